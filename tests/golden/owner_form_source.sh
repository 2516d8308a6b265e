#!/usr/bin/env bash
# This script makes the source side of the grant reports in the account 111111111111.
#
#   user/alice of 111111111111 will be able to s3:GetObject on reports/* through role/reports-reader of 222222222222, with an external ID, for 1 hour at a time.
#
# It makes the caller policy arn:aws:iam::111111111111:policy/xacct-reports for user/alice of 111111111111.
# It stops in every other account, and at a role or policy that others made.
# It may be run again. It needs bash, the AWS CLI, and an administrator of IAM.

set -eu
account='111111111111'
grant='reports'
region='us-east-1'

owner_tag="Tags[?Key=='xacct-nb:grant'].Value | [0]"
adopted_tag="Tags[?Key=='xacct-nb:adopted'].Value | [0]"
umask 077
export AWS_PAGER='' AWS_REGION="$region" AWS_DEFAULT_REGION="$region"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

say() { printf '%s\n' "$*"; }

refuse() {
  printf '%s\n' "$*" >&2
  exit 1
}

# Put what a reading command prints into $answer; return 1 if AWS does not have the thing.
found() {
  if answer=$("$@" 2> "$work/error"); then
    return 0
  fi
  case $(cat "$work/error") in
    *NoSuchEntity* | *StackSetNotFound*) return 1 ;;
  esac
  refuse "$(cat "$work/error")"
}

command -v aws > "$work/aws" || refuse 'The AWS CLI is not installed.'
caller=$(aws sts get-caller-identity --query '[Account,Arn]' --output text)
case $caller in
  "$account"[[:space:]]*) say "Signed in: $caller" ;;
  *) refuse "This script is for the account $account. You are signed in as: $caller. Nothing was changed." ;;
esac

# Refuse what was not made for the grant: $1 is its ARN, $2 its tag.
check_owner() {
  [ "$2" = "$grant" ] || refuse "$1 exists, but has no tag xacct-nb:grant=$grant:" \
    'it was not made for this grant. Nothing was changed.'
}

# Refuse the role of the name $1 if it is not the role $2 of this grant.
check_role() {
  if found aws iam get-role --role-name="$1" --query Role.Arn --output text; then
    [ "$answer" = "$2" ] || refuse "$2 cannot be made: $answer has its name. Nothing was changed."
    check_owner "$2" "$(aws iam list-role-tags --role-name="$1" --query "$owner_tag" --output text)"
  fi
}

# Refuse the managed policy $1 if it is not one of this grant.
check_policy() {
  if found aws iam get-policy --policy-arn="$1" --query Policy.Arn --output text; then
    check_owner "$1" "$(aws iam list-policy-tags --policy-arn="$1" --query "$owner_tag" --output text)"
  fi
}

# Make the managed policy $1, or give it another document: $2 is its name, $3 its file, $4 its description.
set_policy() {
  if ! found aws iam get-policy --policy-arn="$1" --query Policy.DefaultVersionId --output text; then
    aws iam create-policy --policy-name="$2" --description="$4" --policy-document="file://$work/$3" \
      --tags "Key=xacct-nb:grant,Value=$grant" > "$work/made"
    aws iam wait policy-exists --policy-arn="$1"
    return 0
  fi
  found aws iam get-policy-version --policy-arn="$1" --version-id="$answer" \
    --query PolicyVersion.Document --output json
  if [ "$answer" = "$(cat "$work/$3")" ]; then
    return 0
  fi
  # AWS keeps five versions of a policy: the oldest one that is not in use goes.
  others='Versions[?!IsDefaultVersion]'
  found aws iam list-policy-versions --policy-arn="$1" --query "length($others)" --output text
  if [ "$answer" -gt 3 ]; then
    found aws iam list-policy-versions --policy-arn="$1" \
      --query "sort_by($others, &CreateDate)[0].VersionId" --output text
    aws iam delete-policy-version --policy-arn="$1" --version-id="$answer"
  fi
  aws iam create-policy-version --policy-arn="$1" --policy-document="file://$work/$3" --set-as-default \
    > "$work/made"
}

check_policy 'arn:aws:iam::111111111111:policy/xacct-reports'

say 'Caller policy arn:aws:iam::111111111111:policy/xacct-reports'
cat > "$work/caller-policy-1.json" <<'END_OF_DOCUMENT'
{
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": [
                "sts:AssumeRole"
            ],
            "Resource": [
                "arn:aws:iam::222222222222:role/reports-reader"
            ]
        }
    ]
}
END_OF_DOCUMENT
set_policy 'arn:aws:iam::111111111111:policy/xacct-reports' 'xacct-reports' 'caller-policy-1.json' 'xacct-nb grant reports'
aws iam attach-user-policy \
  --user-name 'alice' \
  --policy-arn 'arn:aws:iam::111111111111:policy/xacct-reports'

say 'Done.'
