#!/usr/bin/env bash
# What a person reads in the histories of parents and of those who signal and cancel others (EN-4).
#
#   history_files.sh WFE SOURCE_DIR
set -euo pipefail

wfe=$1
histories=$2/tests/testdata/sdk_children
shown=""

# shows FILE 'PATTERN' ...: every pattern is a line of the history.
shows() {
  local file=$1
  shift
  shown=$("$wfe" history show "$histories/$file.json")
  for pattern in "$@"; do
    grep -Eq -- "$pattern" <<< "$shown" || {
      echo "FAILED: history show $file has no line like: $pattern"
      echo "$shown"
      exit 1
    }
  done
}

shows fails ' StartChildWorkflowExecutionInitiated +kid as fails-kid$' ' ChildWorkflowExecutionStarted +of 5: fails-kid$' \
  ' ChildWorkflowExecutionFailed +of 5: fails-kid: as planned'
shows completes ' ChildWorkflowExecutionCompleted +of 5: completes-kid$'
shows already-started ' StartChildWorkflowExecutionFailed +of [0-9]+: already-started-kid, .*WORKFLOW_ALREADY_EXISTS$' \
  ' SignalExternalWorkflowExecutionInitiated +go to already-started-kid$' \
  ' ExternalWorkflowExecutionSignaled +of [0-9]+: already-started-kid$'
shows times-out ' ChildWorkflowExecutionTimedOut +of 5: times-out-kid$'
shows terminated ' ChildWorkflowExecutionTerminated +of 5: terminated-kid$'
shows cancel-rethrown ' RequestCancelExternalWorkflowExecutionInitiated +cancel-rethrown-kid$' \
  ' ExternalWorkflowExecutionCancelRequested +of [0-9]+: cancel-rethrown-kid$' ' ChildWorkflowExecutionCanceled +of 5: cancel-rethrown-kid$'
shows external-signal-nobody ' SignalExternalWorkflowExecutionFailed +of 5: nobody, .*NOT_FOUND$'
shows external-cancel-nobody ' RequestCancelExternalWorkflowExecutionFailed +of 5: nobody, .*NOT_FOUND$'
echo "all shown"
