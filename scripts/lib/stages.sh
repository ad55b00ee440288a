# Running stages: time them, say what was skipped, hold the budget. Sourced by scripts/test.

skipped=()

skip() {
  skipped+=("$stage: $1")
  echo "skipped: $1"
}

# need COMMAND-OR-FILE PACKAGE: installs the Debian package that brings it, where that is allowed
need() {
  if command -v "$1" >/dev/null || [[ -e $1 ]]; then return; fi
  if [[ $(id -u) != 0 ]] || ! command -v apt-get >/dev/null; then
    echo "\`$1\` is missing: install it (Debian package $2), or run this script as root" >&2
    return 1
  fi
  echo "installing $2"
  [[ -n ${refreshed:-} ]] || apt-get update -qq
  refreshed=yes
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$2" >/dev/null
}

run_stages() {
  if [[ ${1:-} == --list ]]; then
    printf '%s\n' "${STAGES[@]}"
    return
  fi
  local chosen=("$@") budget=$BUDGET_WARM_SECONDS began=$SECONDS lines=() failed=()
  [[ ${#chosen[@]} -gt 0 ]] || chosen=("${STAGES[@]}")
  # the mark is left by a finished run: without it everything has to be built first
  local mark=$CARGO_TARGET_DIR/.warm
  [[ -e $mark && -z $HANDFAST_LONG ]] || budget=$BUDGET_COLD_SECONDS
  for stage in "${chosen[@]}"; do
    if ! declare -F "stage_$stage" >/dev/null; then
      echo "no stage \`$stage\`; there are: ${STAGES[*]}" >&2
      return 2
    fi
    echo "== $stage"
    local start=$SECONDS
    # not inside a condition: there `set -e` has no effect, and a stage would pass by its last command
    set +e
    run_stage
    [[ $? == 0 ]] || failed+=("$stage")
    set -e
    lines+=("$(printf '%5d s  %s' $((SECONDS - start)) "$stage")")
  done
  echo '== summary'
  printf '%s\n' "${lines[@]}"
  [[ ${#skipped[@]} == 0 ]] || printf 'skipped %s\n' "${skipped[@]}"
  local total=$((SECONDS - began))
  echo "$total s in all, budget $budget s"
  if [[ ${#failed[@]} -gt 0 ]]; then
    echo "failed: ${failed[*]}"
    return 1
  fi
  if [[ $total -gt $budget ]]; then
    echo "over the budget of $budget s"
    return 1
  fi
  [[ ${#chosen[@]} -lt ${#STAGES[@]} ]] || touch "$mark"
}

# Runs one stage up to its first failing command. A subshell keeps that to itself, and hands its skips back in a file.
run_stage() {
  local report status
  report=$(mktemp)
  (
    set -e
    "stage_$stage"
    [[ ${#skipped[@]} == 0 ]] || printf '%s\n' "${skipped[@]}" >"$report"
  )
  status=$?
  [[ ! -s $report ]] || mapfile -t skipped <"$report"
  rm -f "$report"
  return $status
}
