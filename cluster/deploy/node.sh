#!/usr/bin/env bash
# Make this rented machine the head of a cluster, or a node of one.
#
#   node.sh head                     start a cluster here, with its job server on this machine's loopback
#   node.sh join HEAD_IP             join the cluster of a head
#   node.sh leave                    end what this script started here, and nothing else
#
# GOLFSWEEP_TOKEN_FILE (default ~/.golfsweep-token): the cluster's token; "head" writes it, all nodes need a copy.
# GOLFSWEEP_KIND: a label for nodes whose GPUs differ although they share a name, e.g. "pcie".
# GOLFSWEEP_PORT, GOLFSWEEP_DASHBOARD_PORT (default 6379, 8265): where the head listens.
# GOLFSWEEP_ADDRESS: this machine's address in the cluster's private network, if Ray guesses a wrong one.
set -euo pipefail

checkout=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
token_file=${GOLFSWEEP_TOKEN_FILE:-$HOME/.golfsweep-token}
port=${GOLFSWEEP_PORT:-6379}
dashboard_port=${GOLFSWEEP_DASHBOARD_PORT:-8265}
pid_file=${GOLFSWEEP_PID_FILE:-$HOME/.golfsweep-ray.pid}

usage() { sed -n '2,13s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2; }

fail() { echo "node.sh: $*" >&2; exit 2; }

start() {
    [ -x "$checkout/.venv/bin/ray" ] || fail "$checkout/.venv: not installed; run \"make install\" in $checkout"
    [ -s "$token_file" ] || fail "$token_file: missing; copy it from the head (mode 600)"
    [ ! -e "$pid_file" ] || ! kill -0 "$(cat "$pid_file")" 2>/dev/null || fail "already started; run \"node.sh leave\" first"
    export PATH="$checkout/.venv/bin:$PATH" RAY_AUTH_MODE=token RAY_AUTH_TOKEN_PATH="$token_file"
    export RAY_USAGE_STATS_ENABLED=0
    # Let tasks that reserve no GPU see the GPUs: they report and check the node while jobs run on it.
    export RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO=0
    local options=(--disable-usage-stats --block)
    [ -z "${GOLFSWEEP_KIND:-}" ] || options+=(--labels "golfsweep/kind=$GOLFSWEEP_KIND")
    [ -z "${GOLFSWEEP_ADDRESS:-}" ] || options+=(--node-ip-address "$GOLFSWEEP_ADDRESS")
    [ -z "${GOLFSWEEP_TEMP:-}" ] || options+=(--temp-dir "$GOLFSWEEP_TEMP")
    # A session of its own can be ended as a whole; "ray stop" would end every Ray on the machine.
    setsid nohup ray start "$@" "${options[@]}" >"$pid_file.log" 2>&1 &
    echo $! >"$pid_file"
    for _ in $(seq 60); do
        sleep 1
        kill -0 "$(cat "$pid_file")" 2>/dev/null || { cat "$pid_file.log" >&2; fail "Ray did not start"; }
        ! grep -q "Ray runtime started" "$pid_file.log" || return 0
    done
    cat "$pid_file.log" >&2
    fail "Ray did not start within a minute"
}

case ${1:-} in
head)
    [ $# -eq 1 ] || usage
    if [ ! -s "$token_file" ]; then
        (umask 077 && head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n' >"$token_file")
        echo "wrote $token_file: copy it to every node, and to every machine that runs sweeps, with scp"
    fi
    # The job server can run anything on every node, so it listens on the loopback only; reach it through ssh.
    start --head --port "$port" --dashboard-host 127.0.0.1 --dashboard-port "$dashboard_port"
    here=${GOLFSWEEP_ADDRESS:-$(hostname -I | awk '{print $1}')}
    echo "head started; other nodes: node.sh join $here; sweeps: golfsweep run sweep.toml --ray $here:$port"
    ;;
join)
    [ $# -eq 2 ] || usage
    start --address "$2:$port"
    echo "joined $2:$port"
    ;;
leave)
    [ -e "$pid_file" ] || fail "$pid_file: missing; this script has started nothing here"
    kill -TERM -- "-$(cat "$pid_file")" 2>/dev/null || true
    for _ in $(seq 30); do
        kill -0 -- "-$(cat "$pid_file")" 2>/dev/null || break
        sleep 1
    done
    kill -KILL -- "-$(cat "$pid_file")" 2>/dev/null || true
    rm -f "$pid_file"
    echo "left the cluster"
    ;;
*) usage ;;
esac
