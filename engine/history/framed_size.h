// The size of a message as one of many in a list: with the tag and the length that stand before it there.
#pragma once

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/message_lite.h>

#include <cstdint>

namespace wfe::history {

/// Of a list whose field number is below 16.
inline int64_t FramedSize(const google::protobuf::MessageLite& message) {
  const size_t bytes = message.ByteSizeLong();
  return static_cast<int64_t>(1 + google::protobuf::io::CodedOutputStream::VarintSize64(bytes) + bytes);
}

}  // namespace wfe::history
