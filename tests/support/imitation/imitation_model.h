// A model's service on 127.0.0.1 for tests, with scripted answers and faults.  It speaks the Gemini API
// (generateContent, streamGenerateContent, countTokens below /v1beta) and OpenAI's chat completions (/v1), streamed and
// not, from one script, and counts the calls it served, so that a ledger can be compared with what was really asked.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "tests/support/imitation/http_listener.h"
#include "tests/support/imitation/model_protocols.h"
#include "tests/support/imitation/model_script.h"

namespace wfe::imitation {

class ImitationModel {
 public:
  /// One call that reached it.
  struct Served {
    ModelRequest request;
    std::string got;  ///< "200", "429", "cut" …; "none" where the script had nothing.
    std::string head;
    std::string body;
  };
  /// What is so for every request, as long as it is: "clear", a fault of ModelAnswer, or "refuse" (nobody listens).
  struct Weather {
    std::string word = "clear";
    double retry_after_s = 0;
  };
  struct Hooks {
    std::function<void(const Served&)> served;      ///< Before the first byte of an answer.
    std::function<void(const std::string&)> other;  ///< "count", "gone", or an address that it does not know.
  };

  explicit ImitationModel(std::vector<ModelAnswer> script, Hooks hooks = {});

  std::string root_url() const { return "http://127.0.0.1:" + std::to_string(listener_.port()); }
  std::string gemini_url() const { return root_url() + "/v1beta"; }
  std::string openai_url() const { return root_url() + "/v1"; }
  uint16_t port() const { return listener_.port(); }

  void SetWeather(const Weather& weather);
  std::vector<Served> served() const;
  /// Calls that reached it: all, or those that got what is named.
  int64_t calls(const std::string& got = {}) const;
  /// Answers that hang now.
  int hanging() const { return hanging_; }

 private:
  void Handle(Peer& peer, const HttpRequest& request);
  void Generate(Peer& peer, const HttpRequest& http, ModelRequest request);
  ModelAnswer Choose(const HttpRequest& http, const ModelRequest& request, bool* found);
  void Send(Peer& peer, const Wire& wire, double delay_s);

  const Hooks hooks_;
  mutable std::mutex mutex_;
  std::vector<ModelAnswer> script_;  // guarded by mutex_, like all below
  std::vector<int> given_;           // how often each answer was
  Weather weather_;
  std::vector<Served> served_;
  std::atomic<int> hanging_ = 0;
  HttpListener listener_;  // last: it is the first to go
};

}  // namespace wfe::imitation
