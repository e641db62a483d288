#include "engine/base/serialize.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/message_lite.h>

#include "engine/base/check.h"

namespace wfe {

void SerializeInto(const google::protobuf::MessageLite& message, size_t size, void* to) {
  WFE_CHECK(size <= INT32_MAX, "a message of " + std::to_string(size) + " bytes has no serialized form");
  auto* const begin = static_cast<uint8_t*>(to);
  // What SerializeWithCachedSizesToArray does, except that maps are sorted.
  google::protobuf::io::EpsCopyOutputStream out(begin, static_cast<int>(size), /*deterministic=*/true);
  const uint8_t* const end = message._InternalSerialize(begin, &out);
  WFE_CHECK(!out.HadError() && end == begin + size, "a message changed while it was written");
}

void AppendSerialized(const google::protobuf::MessageLite& message, std::string* bytes) {
  const size_t size = message.ByteSizeLong();
  const size_t begin = bytes->size();
  bytes->resize(begin + size);
  SerializeInto(message, size, bytes->data() + begin);
}

void AppendSubMessage(int number, const google::protobuf::MessageLite& message, std::string* bytes) {
  using google::protobuf::io::CodedOutputStream;
  constexpr uint32_t kLengthDelimited = 2;
  uint8_t head[10];
  uint8_t* end = CodedOutputStream::WriteVarint32ToArray(static_cast<uint32_t>(number) << 3 | kLengthDelimited, head);
  end = CodedOutputStream::WriteVarint32ToArray(static_cast<uint32_t>(message.ByteSizeLong()), end);
  bytes->append(reinterpret_cast<const char*>(head), static_cast<size_t>(end - head));
  AppendSerialized(message, bytes);
}

std::string Serialize(const google::protobuf::MessageLite& message) {
  std::string bytes;
  AppendSerialized(message, &bytes);
  return bytes;
}

}  // namespace wfe
