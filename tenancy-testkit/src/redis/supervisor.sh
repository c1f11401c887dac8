# Owns one throw-away Redis: reads commands from stdin, answers one line each on stdout.
# When stdin ends, because the test process closed it or died, the server is stopped and its folder removed.
# Arguments: the server's binary. First line of stdin: its password.
set -u
umask 077
cd /
# PIPE too: whoever asked may be dead before the answer, and then there is something to clean up.
trap '' INT HUP TERM PIPE
server=$1
pid=

IFS= read -r password || exit 0
folder=$(mktemp -d "${TMPDIR:-/tmp}/tenancy-redis.XXXXXX" 2>/dev/null) \
  || folder=$(mktemp -d /tmp/tenancy-redis.XXXXXX 2>/dev/null) \
  || { echo "failed no temporary folder can be made"; exit 1; }
echo "ok $folder"

start() { # a port: the password comes from stdin, where no list of processes shows it
  cat >"$folder/config" <<SETTINGS
port $1
bind 127.0.0.1
requirepass $password
dir $folder
logfile $folder/log
save ""
appendonly yes
appendfsync no
maxclients 2000
SETTINGS
  "$server" - <"$folder/config" >>"$folder/log" 2>&1 &
  pid=$!
}

stop() { # lets it write its file, then insists
  [ -n "$pid" ] || return 0
  kill -TERM "$pid" 2>/dev/null
  tries=0
  while kill -0 "$pid" 2>/dev/null && [ $tries -lt 200 ]; do sleep 0.05; tries=$((tries + 1)); done
  kill -KILL "$pid" 2>/dev/null
  wait "$pid" 2>/dev/null
  pid=
}

while read -r command argument; do
  case $command in
    start) start "$argument"; echo "ok" ;;
    stop) stop; echo "ok" ;;
    alive) if [ -n "$pid" ] && kill -0 "$pid" 2>/dev/null; then echo "ok"; else echo "failed $(tail -n 8 "$folder/log" | tr '\n' ' ')"; fi ;;
    *) echo "failed unknown command" ;;
  esac
done

stop
rm -rf "$folder"
