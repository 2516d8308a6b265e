#!/usr/bin/env bash
# This script makes or updates the stack set xacct-reports-destination: the destination side of the grant reports in the accounts of an organization.
#
#   In each account that gets a stack, as in 222222222222:
#   user/alice of 111111111111 will be able to s3:GetObject on reports-222222222222/* through role/reports-reader of 222222222222, with an external ID, for 1 hour at a time.
#   Where its permissions or names have the id 222222222222, each account has its own id.
#
#   Every account of the organizational units gets the role, and those below them, also an account that the grant does not name. Each caller policy names the roles of the grant: add a new account to the grant.
#   The management account gets no stack, even if it is in one of the units. Use the form commands there.
#   Tolerance and concurrency do not apply to automatic deployment. It ignores account filters, too: a new account of a unit gets the role, whatever was excluded before.
#   An account that leaves the units or the organization loses its stack, and the role with it.
#   An account that moves from one unit to another may have its stack deleted and made again. In between nobody gets in, and users report that the second step failed: prove the access after a move.
#   A suspended account is skipped: its status is SKIPPED_SUSPENDED_ACCOUNT.
#   A role of the same name that exists already is not taken over: the stack of that account fails.
#   A failed stack is in list-stack-instances, and nothing reports it. Prove the access of each account.
#   A delegated administrator acts with --call-as DELEGATED_ADMIN. The management account has the stack set all the same, and cannot limit that administrator to some units.
#
# Run it in the management account, or as delegated administrator, with the variables:
#   XACCT_UNITS: ids of organizational units, or of the root, with commas; 50 at most
#   XACCT_REGION: the region of the stack set and of its stacks; IAM is global, so one is enough
#   XACCT_CALL_AS: SELF, or DELEGATED_ADMIN
#   XACCT_TOLERATED: percent of the accounts that may fail before it stops: 10
#   XACCT_AT_ONCE: percent of the accounts that are changed at once: 25
#   XACCT_PAUSE: seconds between two looks at an operation: 10
# It may be run again. It needs bash, the AWS CLI, and trusted access for StackSets:
#   aws cloudformation activate-organizations-access

set -eu
name='xacct-reports-destination'
about='The destination side of the grant reports, in each account of a stack set'
units=${XACCT_UNITS:-}
region=${XACCT_REGION:-us-east-1}
call_as=${XACCT_CALL_AS:-SELF}
preferences="FailureTolerancePercentage=${XACCT_TOLERATED:-10},MaxConcurrentPercentage=${XACCT_AT_ONCE:-25},ConcurrencyMode=SOFT_FAILURE_TOLERANCE"
pause=${XACCT_PAUSE:-10}

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

say "Signed in: $caller"

# Refuse units that are none, and more of them than AWS takes at once; commas come between them.
check_units() {
  local LC_ALL=C unit id='^(ou-[a-z0-9]{4,32}-[a-z0-9]{8,32}|r-[a-z0-9]{4,32})$'
  units=$(printf %s "$units" | tr -s '[:space:],' ',')
  units=${units#,}
  units=${units%,}
  local IFS=,
  for unit in $units; do
    [[ $unit =~ $id ]] || refuse "$unit is no id of an organizational unit or root. Nothing was changed."
  done
  set -- $units
  [ "$#" -gt 0 ] || refuse 'Set XACCT_UNITS to ids such as ou-ab12-11111111. Nothing was changed.'
  [ "$#" -le 50 ] || refuse "AWS takes 50 units, not $#: name one above them. Nothing was changed."
}

# Return 1 if there is no such stack set; refuse one that was not made by such a script.
stack_set_exists() {
  found aws cloudformation describe-stack-set --stack-set-name "$name" --region "$region" \
    --call-as "$call_as" --query 'StackSet.[PermissionModel,Description]' --output text || return 1
  [ "$answer" = "SERVICE_MANAGED"$'\t'"$about" ] || refuse "$name exists, but was not made for this" \
    "grant: $answer. Nothing was changed."
}

# Wait until the operation $1 has ended, and say how; one that did not succeed is kept in $failed.
failed=''
wait_for() {
  say "Operation $1"
  while :; do
    answer=$(aws cloudformation describe-stack-set-operation --stack-set-name "$name" --region "$region" \
      --call-as "$call_as" --operation-id "$1" --query StackSetOperation.Status --output text)
    case $answer in
      QUEUED | RUNNING | STOPPING) sleep "$pause" ;;
      *) break ;;
    esac
  done
  say "It has ended: $answer"
  [ "$answer" = SUCCEEDED ] || failed="$failed The operation $1 has ended: $answer."
}

# Put the stacks into $all, and those that are not as the stack set says into $others.
stacks() {
  all=$(aws cloudformation list-stack-instances --stack-set-name "$name" --region "$region" \
    --call-as "$call_as" --output text \
    --query 'Summaries[].[Account,Region,Status,StackInstanceStatus.DetailedStatus,StatusReason]')
  current='^[0-9]*[[:space:]][^[:space:]]*[[:space:]]CURRENT[[:space:]]'
  others=$(printf '%s\n' "$all" | grep -v "$current" || :)
}

check_units

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

cat > "$work/template.json" <<'END_OF_DOCUMENT'
{
    "AWSTemplateFormatVersion": "2010-09-09",
    "Description": "The destination side of the grant reports, in each account of a stack set",
    "Parameters": {
        "ExternalId": {
            "Type": "String",
            "NoEcho": true,
            "MinLength": 2,
            "MaxLength": 1224,
            "AllowedPattern": "[A-Za-z0-9_+=,.@:/-]*",
            "ConstraintDescription": "2 to 1224 letters, digits and _+=,.@:/-",
            "Description": "The external ID that both owners agreed on"
        }
    },
    "Resources": {
        "Role1": {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "RoleName": "reports-reader",
                "Path": "/",
                "Description": "xacct-nb grant reports",
                "MaxSessionDuration": 3600,
                "AssumeRolePolicyDocument": {
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
                                    "sts:ExternalId": {
                                        "Ref": "ExternalId"
                                    }
                                }
                            }
                        }
                    ]
                },
                "Policies": [
                    {
                        "PolicyName": "xacct-reports",
                        "PolicyDocument": {
                            "Version": "2012-10-17",
                            "Statement": [
                                {
                                    "Effect": "Allow",
                                    "Action": [
                                        "s3:GetObject"
                                    ],
                                    "Resource": [
                                        {
                                            "Fn::Sub": "arn:aws:s3:::reports-${AWS::AccountId}/*"
                                        }
                                    ]
                                }
                            ]
                        }
                    }
                ],
                "Tags": [
                    {
                        "Key": "xacct-nb:grant",
                        "Value": "reports"
                    }
                ]
            }
        }
    },
    "Outputs": {
        "RoleArn1": {
            "Description": "The ARN of the role reports-reader",
            "Value": {
                "Fn::GetAtt": [
                    "Role1",
                    "Arn"
                ]
            }
        }
    }
}
END_OF_DOCUMENT
{
cat <<'END_OF_DOCUMENT'
[
    {
        "ParameterKey": "ExternalId",
        "ParameterValue": 
END_OF_DOCUMENT
printf '"%s"' "$XACCT_EXTERNAL_ID"
cat <<'END_OF_DOCUMENT'

    }
]
END_OF_DOCUMENT
} > "$work/parameters.json"
template="$work/template.json"
parameters="$work/parameters.json"

if stack_set_exists; then
  operation=$(aws cloudformation update-stack-set \
    --stack-set-name "$name" \
    --region "$region" \
    --call-as "$call_as" \
    --description 'The destination side of the grant reports, in each account of a stack set' \
    --template-body "file://$template" \
    --parameters "file://$parameters" \
    --capabilities CAPABILITY_NAMED_IAM \
    --operation-preferences "$preferences" \
    --query OperationId \
    --output text)
  wait_for "$operation"
else
  aws cloudformation create-stack-set \
    --stack-set-name "$name" \
    --region "$region" \
    --call-as "$call_as" \
    --description 'The destination side of the grant reports, in each account of a stack set' \
    --template-body "file://$template" \
    --parameters "file://$parameters" \
    --capabilities CAPABILITY_NAMED_IAM \
    --permission-model SERVICE_MANAGED \
    --auto-deployment Enabled=true,RetainStacksOnAccountRemoval=false \
    --managed-execution Active=true > "$work/made"
  say "The stack set $name is made."
fi

operation=$(aws cloudformation create-stack-instances \
  --stack-set-name "$name" \
  --region "$region" \
  --call-as "$call_as" \
  --deployment-targets "OrganizationalUnitIds=$units" \
  --regions "$region" \
  --operation-preferences "$preferences" \
  --query OperationId \
  --output text)
wait_for "$operation"

stacks
if [ -n "$others" ]; then
  refuse 'These accounts have no role, or not this one:' "$others$failed"
fi
[ -z "$failed" ] || refuse "Not all accounts have the role.$failed"
[ -n "$all" ] || refuse 'No account is in these units, so there is no role yet.'
say 'Done. Prove the access of each account: a stack is no proof.'
