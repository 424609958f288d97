# Shared by the lab's scripts; sourced, not run.
set -eu
LAB=${CALMTUI_LAB:?the folder where everything lives}
mkdir -p "$LAB"
need() { # need COMMAND PACKAGE...: install Debian packages when a command is missing (root)
  command -v "$1" >/dev/null 2>&1 && return
  shift
  apt-get install -y -q --no-install-recommends "$@" >"$LAB/apt.log" 2>&1 ||
    { apt-get update -q >>"$LAB/apt.log" 2>&1 && apt-get install -y -q --no-install-recommends "$@" >>"$LAB/apt.log" 2>&1; } ||
    { tail -5 "$LAB/apt.log" >&2; echo "lab: cannot install $*" >&2; exit 1; }
}
spawn() { # spawn NAME COMMAND...: detached, output to NAME.log, process id to NAME.pid
  name=$1; shift
  setsid "$@" >>"$LAB/$name.log" 2>&1 </dev/null &
  echo $! >"$LAB/$name.pid"
}
alive() { # a zombie that nobody has reaped yet is not alive
  [ -f "$LAB/$1.pid" ] && ps -o stat= -p "$(cat "$LAB/$1.pid")" 2>/dev/null | grep -qv '^Z'
}
stop() { # stop NAME...: by the process id we wrote, never by name
  for name in "$@"; do
    alive "$name" || continue
    pid=$(cat "$LAB/$name.pid"); kill "$pid" 2>/dev/null || true
    for _ in $(seq 50); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
    kill -9 "$pid" 2>/dev/null || true
    rm -f "$LAB/$name.pid"
  done
}
