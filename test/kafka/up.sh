#!/usr/bin/env bash
# Usage: up.sh VERSION PORT DIR [key=value …]
# Starts one broker of Apache Kafka VERSION on 127.0.0.1:PORT (its controller on PORT + 1), data in
# DIR, and prints `ready` once it answers. A DIR belongs to one version; starting it again keeps its
# data. Each key=value is a line of server.properties and wins over ours, but for these:
#   cluster.id=…   22 characters; the same for all brokers of a cluster
#   add.scram=…    a user, as `StorageTool format --add-scram` takes it
#   java.heap=…    as -Xmx takes it, default 512m
set -euo pipefail

usage='usage: up.sh VERSION PORT DIR [key=value …]'
version=${1:?$usage} port=${2:?$usage} dir=${3:?$usage}
shift 3
here=$(cd "$(dirname "$0")" && pwd)
jars=$("$here/jars.sh" "$version")
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)

if [[ -e $dir/version && $(<"$dir/version") != "$version" ]]; then
  echo "up.sh: expected a folder of Kafka $version at $dir, got one of $(<"$dir/version")" >&2
  exit 2
fi
echo "$version" >"$dir/version"

cluster=Y29udHJhc3RyZWFtLXRlcw
format=() heap=512m
cat >"$dir/server.properties" <<PROPERTIES
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$((port + 1))
listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$((port + 1))
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
log.dirs=$dir/data
auto.create.topics.enable=false
message.max.bytes=8388608
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
broker.session.timeout.ms=6000
broker.heartbeat.interval.ms=500
PROPERTIES
for setting in "$@"; do
  case $setting in
    cluster.id=*) cluster=${setting#*=} ;;
    add.scram=*) format+=(--add-scram "${setting#*=}") ;;
    java.heap=*) heap=${setting#*=} ;;
    *) echo "$setting" >>"$dir/server.properties" ;;
  esac
done

case $version in
  3.*)
    cat >"$dir/logging.properties" <<'LOGGING'
log4j.rootLogger=WARN, out
log4j.appender.out=org.apache.log4j.ConsoleAppender
log4j.appender.out.layout=org.apache.log4j.PatternLayout
log4j.appender.out.layout.ConversionPattern=%d %p %m (%c)%n
LOGGING
    logging=-Dlog4j.configuration=file:$dir/logging.properties
    ;;
  *)
    cat >"$dir/logging.properties" <<'LOGGING'
appender.out.type=Console
appender.out.name=out
appender.out.layout.type=PatternLayout
appender.out.layout.pattern=%d %p %m (%c)%n
rootLogger.level=WARN
rootLogger.appenderRef.out.ref=out
LOGGING
    logging=-Dlog4j2.configurationFile=file:$dir/logging.properties
    ;;
esac

java=(java "-Xmx$heap" -XX:+UseSerialGC -XX:TieredStopAtLevel=1 "$logging" -cp "$jars/*")
# Formatting is a start of Java of its own: only what is not formatted yet.
if [[ ! -e $dir/data/meta.properties ]]; then
  "${java[@]}" kafka.tools.StorageTool format -t "$cluster" -c "$dir/server.properties" \
    --ignore-formatted "${format[@]}" >"$dir/format.log" 2>&1 || {
    cat "$dir/format.log" >&2
    exit 1
  }
fi

# In a session of its own: what ends the caller does not end the broker.
setsid "${java[@]}" kafka.Kafka "$dir/server.properties" >>"$dir/broker.log" 2>&1 </dev/null &
pid=$!
# The start time tells our broker from a later process with the same number.
echo "$pid $(sed 's/.*) //' "/proc/$pid/stat" | cut -d' ' -f20)" >"$dir/pid"

if ! node "$here/await-broker.ts" "$port" "$pid"; then
  tail -n 40 "$dir/broker.log" >&2
  "$here/down.sh" "$dir" --kill
  exit 1
fi
echo ready
