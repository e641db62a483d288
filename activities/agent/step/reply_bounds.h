// Keeps what a step answers small enough for a history, however much a model says or does.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "activities/agent/step/agent_step.h"
#include "workers/client/blob_store.h"

namespace wfe::agent {

/// Actions of one step that its reply names.
inline constexpr size_t kMaxReportedActions = 200;

/// The first `max_bytes` of UTF-8 text, and a mark that says how many bytes are missing.
std::string CutText(std::string_view text, size_t max_bytes);

/// The model's words on one line, in quotes, for a message; empty when it said nothing.
std::string Quoted(std::string_view text);

/// A program's report is its own word: the paths it says it has written and that the comparison of the directory does
/// not show as changed; at most 20.
std::vector<std::string> ClaimedNotWritten(const AgentReply& reply, const std::string& working_dir);

/// Cuts the reply's text (the whole of it goes to `blobs`, when there is a store), its actions and its list of files.
/// Fails only when the store does; without one the rest of the text is in the journal alone.
Status BoundReply(AgentReply& reply, BlobSink* blobs);

}  // namespace wfe::agent
