#!/usr/bin/env bash
# Usage: jars.sh VERSION
# Prints the folder with the jars of Apache Kafka VERSION (3.9.x or 4.x), fetched once with Maven.
set -euo pipefail

version=${1:?usage: jars.sh VERSION}
cache=${XDG_CACHE_HOME:-$HOME/.cache}/contrastream/kafka
folder=$cache/$version
if [[ -d $folder ]]; then
  echo "$folder"
  exit
fi

for tool in java mvn; do
  command -v "$tool" >/dev/null || {
    echo "jars.sh: expected $tool on the PATH, got none; install openjdk-17-jre-headless and maven" >&2
    exit 1
  }
done

# Kafka brings the interface of its logging only; without an implementation the broker is mute.
case $version in
  3.*) logging='ch.qos.reload4j:reload4j:1.2.25 org.slf4j:slf4j-reload4j:1.7.36' ;;
  *)
    logging=''
    for name in api core slf4j-impl; do
      logging+=" org.apache.logging.log4j:log4j-$name:2.25.4"
    done
    ;;
esac

mkdir -p "$cache"
work=$(mktemp -d "$cache/.$version.XXXXXX")
trap 'rm -rf "$work"' EXIT
{
  echo '<project><modelVersion>4.0.0</modelVersion>'
  echo '<groupId>local</groupId><artifactId>brokers</artifactId><version>1</version><dependencies>'
  for artifact in "org.apache.kafka:kafka_2.13:$version" "org.apache.kafka:kafka-tools:$version" $logging; do
    IFS=: read -r group name number <<<"$artifact"
    echo "<dependency><groupId>$group</groupId><artifactId>$name</artifactId>"
    echo "<version>$number</version></dependency>"
  done
  echo '</dependencies></project>'
} >"$work/pom.xml"

if ! mvn -q -B -f "$work/pom.xml" dependency:copy-dependencies -DincludeScope=runtime \
  -DoutputDirectory="$work/jars" >"$work/log" 2>&1; then
  cat "$work/log" >&2
  echo "jars.sh: expected Maven to fetch Kafka $version, got the errors above" >&2
  exit 1
fi
# The rename is one step: nobody sees half of the jars, and the first of two at once wins.
mv -T "$work/jars" "$folder" 2>/dev/null || [[ -d $folder ]]
echo "$folder"
