#!/usr/bin/env bash
# This script makes the destination side of the grant reports in the account 222222222222.
#
#   user/alice of 111111111111 will be able to s3:GetObject on reports/* through role/reports-reader of 222222222222, with an external ID, for 1 hour at a time.
#
# It makes the role arn:aws:iam::222222222222:role/reports-reader.
# It stops in every other account, and at a role or policy that others made.
# It may be run again. It needs bash, the AWS CLI, and an administrator of IAM.

set -eu
account='222222222222'
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

if [ -z "${XACCT_EXTERNAL_ID:-}" ] && [ -t 0 ]; then
  printf 'The external ID that you agreed on (it is not shown): '
  read -rs XACCT_EXTERNAL_ID
  say ''
fi
check_external_id() {
  local LC_ALL=C
  case ${XACCT_EXTERNAL_ID:-} in
    '') refuse 'Set the variable XACCT_EXTERNAL_ID to the agreed external ID. Nothing was changed.' ;;
    ? | *[!A-Za-z0-9_+=,.@:/-]*)
      refuse 'XACCT_EXTERNAL_ID is no external ID, which has 2 to 1224 letters, digits and' \
        '_+=,.@:/-. Nothing was changed.' ;;
  esac
}
check_external_id

# Give the role $1 the trust policy $2. IAM knows a new principal, as the role itself, after some seconds.
set_trust() {
  for pause in 1 2 4 8 0; do
    if aws iam update-assume-role-policy --role-name="$1" --policy-document="file://$work/$2" \
      2> "$work/error"; then
      return 0
    fi
    case $(cat "$work/error") in
      *'Invalid principal'*) sleep "$pause" ;;
      *) break ;;
    esac
  done
  refuse "$(cat "$work/error")"
}

check_role 'reports-reader' 'arn:aws:iam::222222222222:role/reports-reader'

say 'Role arn:aws:iam::222222222222:role/reports-reader'
{
cat <<'END_OF_DOCUMENT'
{
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {
                "AWS": "arn:aws:iam::111111111111:user/alice"
            },
            "Action": "sts:AssumeRole",
            "Condition": {
                "StringEquals": {
                    "sts:ExternalId": 
END_OF_DOCUMENT
printf '"%s"' "$XACCT_EXTERNAL_ID"
cat <<'END_OF_DOCUMENT'

                }
            }
        }
    ]
}
END_OF_DOCUMENT
} > "$work/trust-1.json"
if found aws iam get-role --role-name 'reports-reader' --query Role.Arn --output text; then
  aws iam update-role \
    --role-name 'reports-reader' \
    --description 'xacct-nb grant reports' \
    --max-session-duration 3600
else
  aws iam create-role \
    --path '/' \
    --role-name 'reports-reader' \
    --description 'xacct-nb grant reports' \
    --max-session-duration 3600 \
    --assume-role-policy-document "file://$work/trust-1.json" \
    --tags 'Key=xacct-nb:grant,Value=reports' > "$work/made"
  aws iam wait role-exists --role-name 'reports-reader'
fi
cat > "$work/permissions-1-1.json" <<'END_OF_DOCUMENT'
{
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": [
                "s3:GetObject"
            ],
            "Resource": [
                "arn:aws:s3:::reports/*"
            ]
        }
    ]
}
END_OF_DOCUMENT
aws iam put-role-policy \
  --role-name 'reports-reader' \
  --policy-name 'xacct-reports' \
  --policy-document "file://$work/permissions-1-1.json"
set_trust 'reports-reader' 'trust-1.json'

say 'Done.'
say 'Tell the owner of the source account:'
say '  arn:aws:iam::222222222222:role/reports-reader'
