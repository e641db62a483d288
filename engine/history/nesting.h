// How deep messages may nest (SEC-C2).
//
// A failure holds its cause, which holds its own, and protobuf refuses to read what nests deeper than 100 levels.  What
// is stored lies a few levels deeper than what was sent, and so do the answers that carry it.  So a request that is let
// in at the limit of reading could never be read again, by us or by any client.  Hence one limit for what comes in, far
// enough below, and a higher one for reading back what older versions let in.
#pragma once

#include <string_view>

#include <google/protobuf/message.h>

#include "engine/base/result.h"
#include "temporal/api/failure/v1/message.pb.h"

namespace wfe::history {

inline constexpr int kMaxRequestDepth = 60;
/// A chain of causes that makes a request deeper than that is cut after so many.
inline constexpr int kMaxCauses = 40;
inline constexpr int kMaxStoredDepth = 400;

/// Parses what somebody sent.  Chains of causes are cut when the request nests too deep because of them: a worker whose
/// code wraps an error a hundred times means no harm.  INVALID_ARGUMENT: it is no such message, or too deep without them.
Status ParseRequest(std::string_view bytes, google::protobuf::Message* request);

/// Parses what was stored.  False: the bytes are no such message.
bool ParseStored(std::string_view bytes, google::protobuf::MessageLite* message);
/// The same, added to what `message` holds.
bool MergeStored(std::string_view bytes, google::protobuf::MessageLite* message);

/// Leaves `most` causes of the failure and says in the last one that there were more.
void CutCauses(temporal::api::failure::v1::Failure* failure, int most);

}  // namespace wfe::history
