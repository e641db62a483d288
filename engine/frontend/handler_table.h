// Which method is served by which function.
#pragma once

#include <google/protobuf/arena.h>
#include <google/protobuf/message.h>

#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "engine/frontend/call.h"
#include "engine/frontend/fwd.h"

namespace wfe::frontend {

inline constexpr std::string_view kWorkflowService = "temporal.api.workflowservice.v1.WorkflowService";

/// Longest texts of a request (SEC-M3): identities, request ids and other names; reasons and descriptions.
struct TextLimits {
  int64_t name_bytes = 1000;
  int64_t prose_bytes = 4096;
};

/// Filled once, then read from any thread.
class HandlerTable {
 public:
  explicit HandlerTable(TextLimits limits = {}) : limits_(limits) {}

  using Handler = std::function<void(std::string_view request, Call call)>;

  /// The handler keeps parts of the request, so it is parsed onto the heap and moved from: `handler(Request&&, Call)`.
  template <class Request, class F>
  void Serve(std::string_view service, std::string_view method, F handler) {
    Add(service, method, [texts = TextsOf(*Request::descriptor()), handler = std::move(handler)](
                             std::string_view bytes, Call call) {
      Request request;
      if (Status parsed = Parse(bytes, texts, &request); !parsed) return call.Fail(std::move(parsed).error());
      handler(std::move(request), std::move(call));
    });
  }

  /// The handler only reads the request, which lives on an arena for the time of the call:
  /// `handler(const Request&, Call)`.
  template <class Request, class F>
  void ServeBriefly(std::string_view service, std::string_view method, F handler) {
    Add(service, method, [texts = TextsOf(*Request::descriptor()), handler = std::move(handler)](
                             std::string_view bytes, Call call) {
      alignas(8) char first_block[2048];
      google::protobuf::ArenaOptions options;
      options.initial_block = first_block;
      options.initial_block_size = sizeof first_block;
      google::protobuf::Arena arena(options);
      auto* request = google::protobuf::Arena::CreateMessage<Request>(&arena);
      if (Status parsed = Parse(bytes, texts, request); !parsed) return call.Fail(std::move(parsed).error());
      handler(static_cast<const Request&>(*request), std::move(call));
    });
  }

  /// The handler reads the bytes itself.
  void ServeBytes(std::string_view service, std::string_view method, Handler handler) {
    Add(service, method, std::move(handler));
  }

  /// nullptr: not served.
  const Handler* Find(std::string_view service, std::string_view method) const;

 private:
  /// A text at the top of a request, and how long it may be.
  struct BoundedText {
    const google::protobuf::FieldDescriptor* field;
    int64_t longest;
  };

  void Add(std::string_view service, std::string_view method, Handler handler);
  /// All texts of a kind of request, whatever they are called: none is stored unseen.  Found out once, not at each call.
  std::vector<BoundedText> TextsOf(const google::protobuf::Descriptor& request) const;
  /// Within the limits of depth (history/nesting.h) and of its texts.
  static Status Parse(std::string_view bytes, const std::vector<BoundedText>& texts,
                      google::protobuf::Message* request);

  const TextLimits limits_;
  std::unordered_map<std::string, Handler> handlers_;
};

// One function per family of methods; `services` outlives the table.
void ServeWorkflowControl(HandlerTable& table, Services& services);
void ServeWorkflowTasks(HandlerTable& table, Services& services);
void ServeTaskQueues(HandlerTable& table, Services& services);
void ServeActivityTasks(HandlerTable& table, Services& services);
void ServeHistoryReads(HandlerTable& table, Services& services);
void ServeQueries(HandlerTable& table, Services& services);
void ServeVisibility(HandlerTable& table, Services& services);
void ServeSchedules(HandlerTable& table, Services& services);
void ServeSystem(HandlerTable& table, Services& services);
void ServeRecords(HandlerTable& table, Services& services);
void ServeOperator(HandlerTable& table, Services& services);

}  // namespace wfe::frontend
