# The source side of the grant reports, in the account 111111111111.
#
#   user/alice of 111111111111 will be able to s3:GetObject on reports/* through role/reports-reader of 222222222222, with an external ID, for 1 hour at a time.
#
# terraform init; terraform plan; terraform apply. The provider refuses every other account.
# What exists already is taken over if its address is in the variable `existing`: without it,
# AWS refuses to make it again.

terraform {
  required_version = ">= 1.7.0"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0"
    }
  }
}

provider "aws" {
  region = "us-east-1"
  allowed_account_ids = [
    "111111111111",
  ]
}

variable "existing" {
  type        = set(string)
  default     = []
  description = "Addresses of the resources below that exist already and are to be taken over."
  validation {
    condition     = length(setsubtract(var.existing, ["aws_iam_policy.caller_policy_1", "aws_iam_user_policy_attachment.caller_policy_1_1"])) == 0
    error_message = "Known addresses: aws_iam_policy.caller_policy_1, aws_iam_user_policy_attachment.caller_policy_1_1."
  }
}

locals {
  caller_policy_1 = {
    "Version" = "2012-10-17"
    "Statement" = [
      {
        "Effect" = "Allow"
        "Action" = [
          "sts:AssumeRole",
        ]
        "Resource" = [
          "arn:aws:iam::222222222222:role/reports-reader",
        ]
      },
    ]
  }
}

resource "aws_iam_policy" "caller_policy_1" {
  name        = "xacct-reports"
  path        = "/"
  description = "xacct-nb grant reports"
  policy      = jsonencode(local.caller_policy_1)
  tags = {
    "xacct-nb:grant" = "reports"
  }
}

resource "aws_iam_user_policy_attachment" "caller_policy_1_1" {
  user       = "alice"
  policy_arn = aws_iam_policy.caller_policy_1.arn
}

import {
  for_each = contains(var.existing, "aws_iam_policy.caller_policy_1") ? toset(["it"]) : toset([])
  to       = aws_iam_policy.caller_policy_1
  id       = "arn:aws:iam::111111111111:policy/xacct-reports"
}

import {
  for_each = contains(var.existing, "aws_iam_user_policy_attachment.caller_policy_1_1") ? toset(["it"]) : toset([])
  to       = aws_iam_user_policy_attachment.caller_policy_1_1
  id       = "alice/arn:aws:iam::111111111111:policy/xacct-reports"
}
