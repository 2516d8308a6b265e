"""The functions of bash that the scripts for the AWS CLI begin with."""

from xacct_nb.grants.naming import ADOPTED_TAG, OWNER_TAG

# bash 3.2, which macOS has, knows all of it. AWS_PAGER stops version 2 of the CLI from waiting in a pager.
# A script sets $region before it.
SHELL = """\
umask 077
export AWS_PAGER='' AWS_REGION="$region" AWS_DEFAULT_REGION="$region"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

say() { printf '%s\\n' "$*"; }

refuse() {
  printf '%s\\n' "$*" >&2
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
caller=$(aws sts get-caller-identity --query '[Account,Arn]' --output text)"""

# A script also sets $account and $grant before it.
COMMON = f"""\
owner_tag="Tags[?Key=='{OWNER_TAG}'].Value | [0]"
adopted_tag="Tags[?Key=='{ADOPTED_TAG}'].Value | [0]"
{SHELL}
case $caller in
  "$account"[[:space:]]*) say "Signed in: $caller" ;;
  *) refuse "This script is for the account $account. You are signed in as: $caller. Nothing was changed." ;;
esac

# Refuse what was not made for the grant: $1 is its ARN, $2 its tag.
check_owner() {{
  [ "$2" = "$grant" ] || refuse "$1 exists, but has no tag {OWNER_TAG}=$grant:" \\
    'it was not made for this grant. Nothing was changed.'
}}

# Refuse the role of the name $1 if it is not the role $2 of this grant.
check_role() {{
  if found aws iam get-role --role-name="$1" --query Role.Arn --output text; then
    [ "$answer" = "$2" ] || refuse "$2 cannot be made: $answer has its name. Nothing was changed."
    check_owner "$2" "$(aws iam list-role-tags --role-name="$1" --query "$owner_tag" --output text)"
  fi
}}

# Refuse the managed policy $1 if it is not one of this grant.
check_policy() {{
  if found aws iam get-policy --policy-arn="$1" --query Policy.Arn --output text; then
    check_owner "$1" "$(aws iam list-policy-tags --policy-arn="$1" --query "$owner_tag" --output text)"
  fi
}}"""

SET_POLICY = """\
# Make the managed policy $1, or give it another document: $2 is its name, $3 its file, $4 its description.
set_policy() {
  if ! found aws iam get-policy --policy-arn="$1" --query Policy.DefaultVersionId --output text; then
    aws iam create-policy --policy-name="$2" --description="$4" --policy-document="file://$work/$3" \\
      --tags "Key=xacct-nb:grant,Value=$grant" > "$work/made"
    aws iam wait policy-exists --policy-arn="$1"
    return 0
  fi
  found aws iam get-policy-version --policy-arn="$1" --version-id="$answer" \\
    --query PolicyVersion.Document --output json
  if [ "$answer" = "$(cat "$work/$3")" ]; then
    return 0
  fi
  # AWS keeps five versions of a policy: the oldest one that is not in use goes.
  others='Versions[?!IsDefaultVersion]'
  found aws iam list-policy-versions --policy-arn="$1" --query "length($others)" --output text
  if [ "$answer" -gt 3 ]; then
    found aws iam list-policy-versions --policy-arn="$1" \\
      --query "sort_by($others, &CreateDate)[0].VersionId" --output text
    aws iam delete-policy-version --policy-arn="$1" --version-id="$answer"
  fi
  aws iam create-policy-version --policy-arn="$1" --policy-document="file://$work/$3" --set-as-default \\
    > "$work/made"
}"""

SET_TRUST = """\
# Give the role $1 the trust policy $2. IAM knows a new principal, as the role itself, after some seconds.
set_trust() {
  for pause in 1 2 4 8 0; do
    if aws iam update-assume-role-policy --role-name="$1" --policy-document="file://$work/$2" \\
      2> "$work/error"; then
      return 0
    fi
    case $(cat "$work/error") in
      *'Invalid principal'*) sleep "$pause" ;;
      *) break ;;
    esac
  done
  refuse "$(cat "$work/error")"
}"""

SET_STATEMENT = """\
# Refuse the role of the name $1 if it is not the role $2: others made it.
check_role_of_others() {
  found aws iam get-role --role-name="$1" --query Role.Arn --output text || answer='no role'
  [ "$answer" = "$2" ] || refuse "$2 does not exist; $answer has its name. Nothing was changed."
}

# Replace the statement $2 in the trust policy of the role $1 by that in the file $3, or with '' remove it.
set_statement() {
  trust=Role.AssumeRolePolicyDocument
  {
    printf '{'
    for element in Version Id; do
      found aws iam get-role --role-name="$1" --query "$trust.$element" --output json
      [ "$answer" = null ] || [ "$answer" = '' ] || printf '"%s": %s, ' "$element" "$answer"
    done
    found aws iam get-role --role-name="$1" --query "[$trust.Statement][] | [?Sid!='$2']" --output json
    others=${answer#'['}
    others=${others%']'}
    case $others in
      *[![:space:]]*) more=, ;;
      *) more='' ;;
    esac
    [ -n "$3$more" ] || refuse "$2 is the only statement: a role must trust somebody. It was not changed."
    printf '"Statement": [%s' "$others"
    [ -z "$3" ] || { printf '%s' "$more" && cat "$work/$3"; }
    printf ']}'
  } > "$work/trust.json"
  aws iam update-assume-role-policy --role-name="$1" --policy-document="file://$work/trust.json"
}"""

REMOVE = """\
# Run a command that removes something; it is no failure if it is gone already.
remove() {
  if "$@" 2> "$work/error"; then
    return 0
  fi
  case $(cat "$work/error") in
    *NoSuchEntity*) return 0 ;;
  esac
  refuse "$(cat "$work/error")"
}

# Refuse to delete what existed before the grant took it over: $1 is its ARN, $2 its tag.
check_not_adopted() {
  case $2 in
    None | '') ;;
    *) refuse "$1 existed before the grant $grant took it over. Restore it by hand. Nothing was deleted." ;;
  esac
}

check_role_is_deletable() {
  check_role "$1" "$2"
  if found aws iam list-role-tags --role-name="$1" --query "$adopted_tag" --output text; then
    check_not_adopted "$2" "$answer"
  fi
}

check_policy_is_deletable() {
  check_policy "$1"
  if found aws iam list-policy-tags --policy-arn="$1" --query "$adopted_tag" --output text; then
    check_not_adopted "$1" "$answer"
  fi
}

# Delete the managed policy $1 with its versions; it must be attached to nobody.
delete_policy() {
  if found aws iam list-policy-versions --policy-arn="$1" \\
    --query 'Versions[?!IsDefaultVersion].VersionId' --output text; then
    for version in $answer; do
      remove aws iam delete-policy-version --policy-arn="$1" --version-id="$version"
    done
    remove aws iam delete-policy --policy-arn="$1"
  fi
}"""

EXTERNAL_ID_INPUT = """\
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
      refuse 'XACCT_EXTERNAL_ID is no external ID, which has 2 to 1224 letters, digits and' \\
        '_+=,.@:/-. Nothing was changed.' ;;
  esac
}
check_external_id"""

# A script sets $fingerprint before it.
FINGERPRINT = """\
# Compare it with the agreed fingerprint, where Python is there.
seen=$(printf %s "$XACCT_EXTERNAL_ID" | python3 -c '
import hashlib, sys
key = hashlib.pbkdf2_hmac("sha256", sys.stdin.buffer.read(), b"xacct-nb", 100000)
print("secret:" + key.hex()[:16])' 2> "$work/error") || seen=''
if [ -n "$seen" ] && [ "$seen" != "$fingerprint" ]; then
  refuse "XACCT_EXTERNAL_ID is not the agreed external ID: its fingerprint is $seen," \\
    "not $fingerprint. Nothing was changed."
fi"""

# A script sets $name, $about, $units, $region, $call_as and $pause before it.
STACK_SET = """\
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
  found aws cloudformation describe-stack-set --stack-set-name "$name" --region "$region" \\
    --call-as "$call_as" --query 'StackSet.[PermissionModel,Description]' --output text || return 1
  [ "$answer" = "SERVICE_MANAGED"$'\\t'"$about" ] || refuse "$name exists, but was not made for this" \\
    "grant: $answer. Nothing was changed."
}

# Wait until the operation $1 has ended, and say how; one that did not succeed is kept in $failed.
failed=''
wait_for() {
  say "Operation $1"
  while :; do
    answer=$(aws cloudformation describe-stack-set-operation --stack-set-name "$name" --region "$region" \\
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
  all=$(aws cloudformation list-stack-instances --stack-set-name "$name" --region "$region" \\
    --call-as "$call_as" --output text \\
    --query 'Summaries[].[Account,Region,Status,StackInstanceStatus.DetailedStatus,StatusReason]')
  current='^[0-9]*[[:space:]][^[:space:]]*[[:space:]]CURRENT[[:space:]]'
  others=$(printf '%s\\n' "$all" | grep -v "$current" || :)
}"""
