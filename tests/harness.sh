# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Runs tests side by side and counts their cases; sourced by run-all and
# run-unit.  A test is any program that speaks TAP, or a shell script that
# sources lib.sh; each runs under run-test in a scratch folder of its own.

tests=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
JOBS=${JOBS:-2}
RESULTS=$(mktemp "${TMPDIR:-/tmp}/tiffuse-results.XXXXXX")
started=()

stop_tests() {
	local pid
	for pid in "${started[@]}"; do
		kill -TERM "$pid" 2>/dev/null || true
	done
	wait || true # each run-test still unmounts and deletes what its test left
	rm -f "$RESULTS"
}
trap stop_tests EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# start_test LABEL COMMAND...: returns once a place is free.
start_test() {
	while [ "$(jobs -rp | wc -l)" -ge "$JOBS" ]; do
		wait -n || true
	done
	"$tests/run-test" "$1" "$RESULTS" "${@:2}" &
	started+=($!)
}

finish_tests() {
	wait || true
	started=()
}

# not_run LABEL: something before the tests failed, and counts as a failed case.
not_run() {
	echo "0 1 0" >>"$RESULTS"
	echo "FAIL  $1"
}

# The last line of every run; the exit status says whether all is well.
summary() {
	awk '{ p += $1; f += $2; s += $3 }
	     END { printf "%d passed, %d failed, %d skipped\n", p, f, s; exit (f > 0 || p + f + s == 0) }' "$RESULTS"
}

# unit_tests DIR PREFIX [LAYER...]: starts every unit program below DIR/unit that
# has its source in the tree (a build folder also keeps programs of deleted tests).
unit_tests() {
	local source name layers=${*:3}
	for source in "$tests"/unit/*/test_*.c; do
		[ -e "$source" ] || continue
		name=${source#"$tests/unit/"}
		name=${name%.c}
		[ -z "$layers" ] || [[ " $layers " == *" ${name%/*} "* ]] || continue
		start_test "$2unit/$name" "$1/unit/$name" --tap
	done
}
