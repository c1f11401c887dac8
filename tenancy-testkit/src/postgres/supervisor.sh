# Owns one throw-away PostgreSQL server: reads commands from stdin, answers one line each on stdout.
# When stdin ends, because the test process closed it or died, the server is stopped and its folder removed.
# Arguments: the folder of the binaries. First line of stdin: the superuser's password.
set -u
umask 077
cd /
# PIPE too: whoever asked may be dead before the answer, and then there is something to clean up.
trap '' INT HUP TERM PIPE
bin=$1

IFS= read -r password || exit 0
folder=$(mktemp -d "${TMPDIR:-/tmp}/tenancy-pg.XXXXXX" 2>/dev/null) \
  || folder=$(mktemp -d /tmp/tenancy-pg.XXXXXX 2>/dev/null) \
  || { echo "failed no temporary folder can be made"; exit 1; }
data=$folder/data
log=$folder/log
: >"$log"

answer() { # the status of the last command, with the end of the log if it failed
  if [ "$1" -eq 0 ]; then echo "ok $folder"; else echo "failed $(tail -n 8 "$log" | tr '\n' ' ')"; fi
}

printf '%s\n' "$password" >"$folder/password"
"$bin/initdb" --pgdata="$data" --username=admin --pwfile="$folder/password" --auth=scram-sha-256 \
  --encoding=UTF8 --no-locale --no-sync </dev/null >>"$log" 2>&1
status=$?
rm -f "$folder/password"
if [ "$status" -eq 0 ]; then
  cat >>"$data/postgresql.conf" <<'SETTINGS'
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 400
max_locks_per_transaction = 256
fsync = off
synchronous_commit = off
full_page_writes = off
wal_level = minimal
max_wal_senders = 0
SETTINGS
fi
answer "$status"

while read -r command port; do
  case $command in
    start) "$bin/pg_ctl" start -w -t 60 -D "$data" -l "$log" -o "-p $port" </dev/null >>"$log" 2>&1 ;;
    stop) "$bin/pg_ctl" stop -w -t 60 -D "$data" -m fast </dev/null >>"$log" 2>&1 ;;
    *) echo "unknown command $command" >>"$log"; false ;;
  esac
  answer $?
done

"$bin/pg_ctl" stop -w -t 10 -D "$data" -m immediate </dev/null >/dev/null 2>&1
rm -rf "$folder"
