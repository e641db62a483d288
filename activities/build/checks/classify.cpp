#include "activities/build/checks/classify.h"

#include <re2/re2.h>
#include <signal.h>
#include <string.h>

#include <algorithm>

#include "activities/sandbox/text.h"

namespace wfe::build {
namespace {

using Kind = sandbox::ProcessOutcome::Kind;

std::string Trimmed(std::string_view stream, const ToolOutput& output) {
  std::string text = RelativeText(sandbox::CleanTerminalText(stream), output.roots);
  const size_t start = text.find_first_not_of('\n');
  text = start == std::string::npos ? "" : text.substr(start);
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  return text;
}

/// The end of what a tool said, when no parser could make findings of it.  Of both streams: one may hold warnings only,
/// and the reason stand in the other.
std::string LastWords(const ToolOutput& output) {
  constexpr int64_t kLimit = 4000;
  const std::string err = Trimmed(output.err, output);
  const std::string out = Trimmed(output.out, output);
  if (err.empty() || out.empty()) return sandbox::KeepHeadAndTail(err.empty() ? out : err, kLimit, nullptr);
  return sandbox::KeepHeadAndTail(err, kLimit / 2, nullptr) + "\n" + sandbox::KeepHeadAndTail(out, kLimit / 2, nullptr);
}

/// Whether either stream holds a match of `pattern`; never for an empty one.
bool Prints(const std::string& pattern, const ToolOutput& output) {
  if (pattern.empty()) return false;
  const RE2 expression(pattern, RE2::Quiet);
  for (const std::string_view stream : {output.err, output.out}) {
    const std::string text = sandbox::CleanTerminalText(stream);
    if (expression.ok() && RE2::PartialMatch(text, expression)) return true;
  }
  return false;
}

Finding ToolFinding(std::string error_class, std::string text) {
  return {.path = "", .line = 0, .column = 0, .error_class = std::move(error_class), .text = std::move(text)};
}

std::string WithLastWords(std::string sentence, const ToolOutput& output) {
  const std::string words = LastWords(output);
  return words.empty() ? sentence : sentence + "\n" + words;
}

bool LooksOutOfMemory(const ToolOutput& output) {
  for (const std::string_view stream : {output.err, output.out}) {
    for (const std::string_view phrase :
         {"heap out of memory", "JavaScript heap", "std::bad_alloc", "Cannot allocate memory",
          "out of memory allocating", "virtual memory exhausted"}) {
      if (stream.find(phrase) != std::string_view::npos) return true;
    }
  }
  return false;
}

/// The shell's, env's and bubblewrap's ways of saying that there is no such program.
bool SaysProgramIsMissing(int exit_code, const ToolOutput& output, bool sandboxed) {
  const bool not_found = output.err.find("No such file or directory") != std::string_view::npos ||
                         output.err.find("not found") != std::string_view::npos ||
                         output.err.find("Permission denied") != std::string_view::npos;
  if ((exit_code == 127 || exit_code == 126) && not_found) return true;
  return sandboxed && exit_code == 1 && output.err.starts_with("bwrap: execvp ");
}

class Judge {
 public:
  Judge(const CheckSpec& check, const sandbox::ProcessOutcome& outcome, const ToolOutput& output, bool sandboxed)
      : check_(check), outcome_(outcome), output_(output), sandboxed_(sandboxed) {}

  CheckVerdict Decide() {
    CheckReport& report = verdict_.report;
    report.id = check_.id;
    report.duration_ms = std::chrono::duration_cast<std::chrono::milliseconds>(outcome_.duration).count();
    report.output_bytes = outcome_.out.total_bytes + outcome_.err.total_bytes;
    report.output_sha256 = outcome_.output_sha256;
    report.output_truncated = outcome_.out.truncated || outcome_.err.truncated;
    report.outcome = Outcome();
    if (sandboxed_) SayThatThereIsNoNetwork();
    report.findings = static_cast<int64_t>(verdict_.findings.size());
    if (report.outcome != "pass") report.error_type = Headline(verdict_.findings, check_.error_class);
    return std::move(verdict_);
  }

 private:
  void Fail(std::string error_class, std::string text) {
    verdict_.findings.push_back(ToolFinding(std::move(error_class), std::move(text)));
  }

  /// What fails for want of a network says so only to those who know these words.
  void SayThatThereIsNoNetwork() {
    for (Finding& finding : verdict_.findings) {
      for (const std::string_view phrase :
           {"EAI_AGAIN", "ENOTFOUND", "ENETUNREACH", "Network is unreachable", "Could not resolve host",
            "Temporary failure in name resolution", "Name or service not known", "no such host",
            "network is unreachable", "failed to lookup address"}) {
        if (finding.text.find(phrase) == std::string::npos) continue;
        finding.text += "\n(there is no network where the checks run; what needs one must be imitated)";
        return;
      }
    }
  }

  std::string Outcome() {
    const std::string tool = check_.id;
    if (outcome_.kind == Kind::kCouldNotStart) {
      if (!outcome_.program_missing) {
        Fail("COMMAND_FAILED_START", outcome_.start_error);
        return "error";
      }
      Fail("MISSING_TOOL", outcome_.start_error);
      return "missing_tool";
    }
    if (outcome_.kind == Kind::kTimedOut) {
      const auto limit = std::chrono::duration_cast<std::chrono::seconds>(check_.timeout).count();
      Fail("TIMEOUT_" + DetailFromName(tool),
           WithLastWords(tool + " did not end within " + std::to_string(limit) + " s and was stopped", output_));
      return "timeout";
    }
    int signal = outcome_.kind == Kind::kSignalled ? outcome_.signal : 0;
    if (outcome_.kind == Kind::kExited) {
      verdict_.report.exit_code = outcome_.exit_code;
      if (sandboxed_ && outcome_.exit_code > 128 && outcome_.exit_code < 128 + 65) signal = outcome_.exit_code - 128;
    }
    if (signal != 0) {
      verdict_.report.signal = signal;
      verdict_.report.exit_code.reset();
      const bool memory = LooksOutOfMemory(output_) || signal == SIGKILL;
      const char* name = ::sigabbrev_np(signal);
      Fail(memory ? "COMMAND_FAILED_OOM" : "COMMAND_FAILED_SIGNAL",
           WithLastWords(tool + " was ended by SIG" + (name != nullptr ? std::string(name) : std::to_string(signal)) +
                             (memory ? " (out of memory)" : ""),
                         output_));
      return "error";
    }
    const int code = outcome_.exit_code;
    if (SaysProgramIsMissing(code, output_, sandboxed_)) {
      Fail("MISSING_TOOL", WithLastWords("a program that " + tool + " needs is missing", output_));
      return "missing_tool";
    }
    if (sandboxed_ && code == 1 && output_.err.starts_with("bwrap: ")) {
      Fail("COMMAND_FAILED_SANDBOX", WithLastWords("the sandbox could not be set up", output_));
      return "error";
    }
    const bool ok_exit = std::find(check_.ok_exit.begin(), check_.ok_exit.end(), code) != check_.ok_exit.end();
    if (Prints(check_.no_files_pattern, output_)) {
      Fail(check_.error_class + "_NO_FILES", WithLastWords(tool + " found no file to examine", output_));
      return "fail";
    }
    if (std::find(check_.cannot_run_exit.begin(), check_.cannot_run_exit.end(), code) != check_.cannot_run_exit.end() ||
        (!ok_exit && Prints(check_.cannot_run_pattern, output_))) {
      verdict_.could_not_load = true;
      Fail(check_.cannot_run_detail.empty() ? "COMMAND_FAILED" : "COMMAND_FAILED_" + check_.cannot_run_detail,
           WithLastWords(tool + " could not run (exit code " + std::to_string(code) + ")", output_));
      return "error";
    }
    return FromFindings(ok_exit);
  }

  std::string FromFindings(bool ok_exit) {
    const int code = outcome_.exit_code;
    ParsedOutput parsed = ParseOutput(check_, output_);
    if (!parsed.problem.empty()) {
      const bool memory = LooksOutOfMemory(output_);
      Fail(memory ? "COMMAND_FAILED_OOM" : "COMMAND_FAILED_OUTPUT",
           WithLastWords(check_.id + " ended with exit code " + std::to_string(code) + ", and " + parsed.problem,
                         output_));
      return "error";
    }
    CheckReport& report = verdict_.report;
    report.suppressed = parsed.suppressed;
    report.tests_total = parsed.tests_total;
    report.tests_failed = parsed.tests_failed;
    report.tests_skipped = parsed.tests_skipped;
    // A compiler may print "error:" on its way to success; a report with failures in it is a failure whatever the code.
    const bool findings_decide = check_.parser != ParserKind::kRegex && check_.parser != ParserKind::kGccText;
    if (!ok_exit || findings_decide) verdict_.findings = std::move(parsed.findings);
    // eslint --max-warnings, a compiler that denies warnings: the tool failed, and these are why.
    if (!ok_exit && verdict_.findings.empty()) verdict_.findings = std::move(parsed.warnings);
    if (check_.min_tests > 0 && verdict_.findings.empty()) {
      const int64_t run = parsed.tests_total.value_or(0) - parsed.tests_skipped.value_or(0);
      if (run < check_.min_tests) {
        const std::string sentence = check_.id + " ran " + std::to_string(run) + " tests; at least " +
                                     std::to_string(check_.min_tests) + " must run";
        Fail(check_.error_class + "_NO_TESTS", ok_exit ? sentence : WithLastWords(sentence, output_));
      }
    }
    if (check_.max_suppressed.has_value() && parsed.suppressed > *check_.max_suppressed) {
      Fail("POLICY_VIOLATION_SUPPRESSED", std::to_string(parsed.suppressed) + " findings of " + check_.id +
                                              " are silenced in the source; at most " +
                                              std::to_string(*check_.max_suppressed) + " may be");
    }
    if (!ok_exit && verdict_.findings.empty()) {
      Fail("COMMAND_FAILED", WithLastWords(check_.id + " ended with exit code " + std::to_string(code), output_));
    }
    verdict_.parsed = std::move(parsed);
    return verdict_.findings.empty() ? "pass" : "fail";
  }

  const CheckSpec& check_;
  const sandbox::ProcessOutcome& outcome_;
  const ToolOutput& output_;
  const bool sandboxed_;
  CheckVerdict verdict_;
};

}  // namespace

CheckVerdict Classify(const CheckSpec& check, const sandbox::ProcessOutcome& outcome, const ToolOutput& output,
                      bool sandboxed) {
  return Judge(check, outcome, output, sandboxed).Decide();
}

std::string Headline(const std::vector<Finding>& findings, const std::string& base) {
  if (findings.empty()) return "";
  const std::string& first = findings.front().error_class;
  const bool all_equal = std::all_of(findings.begin(), findings.end(),
                                     [&](const Finding& finding) { return finding.error_class == first; });
  if (all_equal || base.empty() || !first.starts_with(base)) return first;
  return base;
}

}  // namespace wfe::build
