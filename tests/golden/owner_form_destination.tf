# The destination side of the grant reports, in the account 222222222222.
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
    "222222222222",
  ]
}

variable "external_id" {
  type        = string
  sensitive   = true
  nullable    = false
  description = "The external ID that both owners agreed on. Terraform's state has it as plain text."
  validation {
    condition     = can(regex("^[A-Za-z0-9_+=,.@:/-]*$", var.external_id))
    error_message = "An external ID has letters, digits and _+=,.@:/- only."
  }
  validation {
    condition     = length(var.external_id) >= 2 && length(var.external_id) <= 1224
    error_message = "An external ID has 2 to 1224 characters."
  }
}

variable "existing" {
  type        = set(string)
  default     = []
  description = "Addresses of the resources below that exist already and are to be taken over."
  validation {
    condition     = length(setsubtract(var.existing, ["aws_iam_role.role_1", "aws_iam_role_policy.permissions_1_1"])) == 0
    error_message = "Known addresses: aws_iam_role.role_1, aws_iam_role_policy.permissions_1_1."
  }
}

locals {
  trust_1 = {
    "Version" = "2012-10-17"
    "Statement" = [
      {
        "Effect" = "Allow"
        "Principal" = {
          "AWS" = "arn:aws:iam::111111111111:user/alice"
        }
        "Action" = "sts:AssumeRole"
        "Condition" = {
          "StringEquals" = {
            "sts:ExternalId" = var.external_id
          }
        }
      },
    ]
  }
  permissions_1_1 = {
    "Version" = "2012-10-17"
    "Statement" = [
      {
        "Effect" = "Allow"
        "Action" = [
          "s3:GetObject",
        ]
        "Resource" = [
          "arn:aws:s3:::reports/*",
        ]
      },
    ]
  }
}

resource "aws_iam_role" "role_1" {
  name                 = "reports-reader"
  path                 = "/"
  description          = "xacct-nb grant reports"
  max_session_duration = 3600
  assume_role_policy   = jsonencode(local.trust_1)
  tags = {
    "xacct-nb:grant" = "reports"
  }
}

resource "aws_iam_role_policy" "permissions_1_1" {
  name   = "xacct-reports"
  role   = aws_iam_role.role_1.name
  policy = jsonencode(local.permissions_1_1)
}

import {
  for_each = contains(var.existing, "aws_iam_role.role_1") ? toset(["it"]) : toset([])
  to       = aws_iam_role.role_1
  id       = "reports-reader"
}

import {
  for_each = contains(var.existing, "aws_iam_role_policy.permissions_1_1") ? toset(["it"]) : toset([])
  to       = aws_iam_role_policy.permissions_1_1
  id       = "reports-reader:xacct-reports"
}

output "role_arn_1" {
  value = aws_iam_role.role_1.arn
}
