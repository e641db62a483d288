# Starts a server and a worker of wfe on this machine's loopback interface, and stops them.  Needs common.sh.

# is_running PID-FILE
is_running() {
  local pid
  pid=$(cat "$1" 2> /dev/null) && [ -n "$pid" ] && kill -0 "$pid" 2> /dev/null
}

# start_service WFE DATA-DIR NAME COMMAND…: runs `wfe COMMAND…` in a session of its own, so that Ctrl-C reaches this script
# first; its output goes to DATA-DIR/NAME.log and its process id to DATA-DIR/NAME.pid.
start_service() {
  local wfe=$1 dir=$2 name=$3
  shift 3
  setsid "$wfe" "$@" > "$dir/$name.log" 2>&1 < /dev/null &
  echo $! > "$dir/$name.pid"
}

# stop_service DIR NAME: asks it to stop, and insists after 20 seconds.
stop_service() {
  local file=$1/$2.pid pid tries=0
  is_running "$file" || { rm -f "$file"; return 0; }
  pid=$(cat "$file")
  kill "$pid" 2> /dev/null
  while kill -0 "$pid" 2> /dev/null; do
    tries=$((tries + 1))
    [ "$tries" -lt 200 ] || { kill -9 "$pid" 2> /dev/null; break; }
    sleep 0.1
  done
  wait "$pid" 2> /dev/null
  rm -f "$file"
}

# start_server WFE DIR: finds a free port and leaves HOST:PORT in DIR/address.
start_server() {
  local wfe=$1 dir=$2 try port tick code
  for try in 1 2 3 4 5; do
    port=$((20000 + (RANDOM * 32768 + RANDOM) % 30000))
    # Somebody answers there already.
    if (exec 3<> "/dev/tcp/127.0.0.1/$port") 2> /dev/null; then continue; fi
    start_service "$wfe" "$dir" server server --data "$dir/data" --listen "127.0.0.1:$port"
    for tick in $(seq 300); do
      if "$wfe" health --address "127.0.0.1:$port" > /dev/null 2>&1; then
        echo "127.0.0.1:$port" > "$dir/address"
        return 0
      fi
      is_running "$dir/server.pid" || break
      sleep 0.1
    done
    if is_running "$dir/server.pid"; then
      stop_service "$dir" server
      die "the server did not become healthy within 30 seconds; its log is $dir/server.log"
    fi
    code=0
    wait "$(cat "$dir/server.pid")" 2> /dev/null || code=$?
    # 14: the port was taken in the meantime.
    [ "$code" = 14 ] || { tail -n 20 "$dir/server.log" >&2; die "the server ended with exit code $code; its log is $dir/server.log"; }
  done
  die "found no free port on the loopback interface in $try tries"
}
