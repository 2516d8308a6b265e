#!/usr/bin/env bash
# This script deletes the stack set xacct-reports-destination: the destination side of the grant reports in the accounts of an organization.
#
#   Its stacks go with it, and the roles with them, in all accounts of the units in XACCT_UNITS; by default of all units that the stack set deploys to.
#   The stack of a suspended account, or of one that refuses, may stay: the script lists it, and stops.
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

if ! stack_set_exists; then
  say 'There is no such stack set.'
  exit 0
fi

if [ -z "$units" ]; then
  units=$(aws cloudformation list-stack-set-auto-deployment-targets --stack-set-name "$name" \
    --region "$region" --call-as "$call_as" --query 'Summaries[].[OrganizationalUnitId]' --output text)
fi

if [ -n "$units" ]; then
  check_units
  operation=$(aws cloudformation delete-stack-instances \
    --stack-set-name "$name" \
    --region "$region" \
    --call-as "$call_as" \
    --deployment-targets "OrganizationalUnitIds=$units" \
    --regions "$region" \
    --no-retain-stacks \
    --operation-preferences "$preferences" \
    --query OperationId \
    --output text)
  wait_for "$operation"
fi

stacks
if [ -n "$all" ]; then
  refuse 'These stacks are left, and the stack set with them:' "$all" 'If one cannot be deleted, run' \
    'delete-stack-instances with --retain-stacks, and delete its role by hand.'
fi

aws cloudformation delete-stack-set \
  --stack-set-name "$name" \
  --region "$region" \
  --call-as "$call_as"
say 'Done. Stack set and stacks are deleted.'
