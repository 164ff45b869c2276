#!/bin/bash
# The image in a real cgroup of 512 MiB, run as the chart runs it, while CloudWatch is down: test/image/outage.test.ts.
#
#   test/image/outage.sh                          builds the image, then all of its outages
#   test/image/outage.sh -t 'memory, 1 stream'    one of them
#
# Not part of `npm test` or `npm run test:full`: it needs root and the packages of build.sh.
set -euo pipefail
folder=$(dirname "$(readlink -f "$0")")
root=$(cd "$folder/../.." && pwd)
"$folder/build.sh"
cd "$root"
export PATH=$root/node_modules/.bin:$PATH
OUTAGE_IMAGE=localhost/otlp-cloudwatch:test exec vitest run test/image/outage.test.ts "$@"
