# For the checks that need a running server: `start_server BINARY WORD...` sets $url and $key and stops the server at exit.
scratch=$(mktemp -d)
server=""

stop_server() {
  if [ -n "$server" ]; then
    kill "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
  fi
  rm -rf "$scratch"
}
trap stop_server EXIT

start_server() {
  "$@" 2>"$scratch/banner" &
  server=$!
  for _ in $(seq 100); do
    grep -q '^  curl ' "$scratch/banner" && break
    sleep 0.1
  done
  url=$(awk '$1 == "listening" { print $2 }' "$scratch/banner")
  key=$(awk '$1 == "admin" { print $3 }' "$scratch/banner")
  # The first start writes the key to a file, unless it talks to a terminal.
  if [ -n "$key" ]; then key=$(cat "$key"); fi
  if [ -z "$url" ]; then
    cat "$scratch/banner"
    exit 1
  fi
}
