// Which method is served by which function.
#pragma once

#include <google/protobuf/arena.h>
#include <google/protobuf/message.h>

#include <functional>
#include <map>
#include <memory>
#include <string_view>
#include <utility>

#include "engine/frontend/call.h"
#include "engine/frontend/fwd.h"
#include "engine/frontend/method.h"
#include "engine/frontend/pipeline.h"

namespace wfe::frontend {

/// Filled once, then read from any thread.  Every method that is served has its facts in method.cpp.
class MethodTable {
 public:
  MethodTable(Services& services, const Authorizer& authorizer);

  /// The handler keeps parts of the request, so it is parsed onto the heap and moved from: `handler(Request&&, Call)`.
  template <class Request, class F>
  void Serve(std::string_view service, std::string_view method, F handler) {
    Add(service, method, Request::descriptor(),
        [this, handler = std::move(handler)](const RequestShape& shape, std::string_view bytes, Call call) {
          Request request;
          if (Status ready = pipeline_.Prepare(call, shape, bytes, &request); !ready) {
            return call.Fail(std::move(ready).error());
          }
          handler(std::move(request), std::move(call));
        });
  }

  /// The handler only reads the request, which lives on an arena for the time of the call:
  /// `handler(const Request&, Call)`.
  template <class Request, class F>
  void ServeBriefly(std::string_view service, std::string_view method, F handler) {
    Add(service, method, Request::descriptor(),
        [this, handler = std::move(handler)](const RequestShape& shape, std::string_view bytes, Call call) {
          alignas(8) char first_block[2048];
          google::protobuf::ArenaOptions options;
          options.initial_block = first_block;
          options.initial_block_size = sizeof first_block;
          google::protobuf::Arena arena(options);
          auto* request = google::protobuf::Arena::CreateMessage<Request>(&arena);
          if (Status ready = pipeline_.Prepare(call, shape, bytes, request); !ready) {
            return call.Fail(std::move(ready).error());
          }
          handler(static_cast<const Request&>(*request), std::move(call));
        });
  }

  /// The handler reads the bytes itself: `handler(std::string_view, Call)`.
  template <class F>
  void ServeBytes(std::string_view service, std::string_view method, F handler) {
    Add(service, method, nullptr,
        [this, handler = std::move(handler)](const RequestShape& shape, std::string_view bytes, Call call) {
          if (Status ready = pipeline_.Prepare(call, shape, bytes, nullptr); !ready) {
            return call.Fail(std::move(ready).error());
          }
          handler(bytes, std::move(call));
        });
  }

  struct Entry {
    std::shared_ptr<const ServedMethod> method;
    RequestShape shape;
    std::function<void(const RequestShape&, std::string_view bytes, Call call)> run;
  };
  /// nullptr: not served.
  const Entry* Find(std::string_view service, std::string_view method) const;
  /// What calls of methods that nobody serves are counted as.
  const std::shared_ptr<const ServedMethod>& unserved() const { return unserved_; }
  size_t size() const { return entries_.size(); }

 private:
  void Add(std::string_view service, std::string_view method, const google::protobuf::Descriptor* request,
           std::function<void(const RequestShape&, std::string_view, Call)> run);
  std::shared_ptr<const ServedMethod> Served(const MethodFacts& facts) const;

  Services& services_;
  const Pipeline pipeline_;
  const std::shared_ptr<const ServedMethod> unserved_;
  // The names are those of AllMethods().
  std::map<std::pair<std::string_view, std::string_view>, Entry> entries_;
};

// One function per family of methods; `services` outlives the table.
void ServeWorkflowControl(MethodTable& table, Services& services);
void ServeWorkflowTasks(MethodTable& table, Services& services);
void ServeTaskQueues(MethodTable& table, Services& services);
void ServeActivityTasks(MethodTable& table, Services& services);
void ServeHistoryReads(MethodTable& table, Services& services);
void ServeQueries(MethodTable& table, Services& services);
void ServeVisibility(MethodTable& table, Services& services);
void ServeSchedules(MethodTable& table, Services& services);
void ServeSystem(MethodTable& table, Services& services);
void ServeRecords(MethodTable& table, Services& services);
void ServeOperator(MethodTable& table, Services& services);

}  // namespace wfe::frontend
