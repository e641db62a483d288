#include "tools/wfe/build_summary.h"

#include <fmt/core.h>

#include <cmath>

#include "activities/analytics/reports/format.h"
#include "engine/base/printable.h"
#include "tools/wfe/output.h"
#include "tools/wfe/word_wrap.h"

namespace wfe::cli {
namespace {

/// In `width` columns, with the mark of what was left out.
std::string FirstLine(const std::string& text, size_t width) {
  const std::string line = text.substr(0, text.find('\n'));
  return analytics::reports::Clip(line.size() < text.size() ? line + " …" : line, width);
}

std::string Plural(int64_t count, const char* one, const char* many) {
  return GroupedNumber(count) + " " + (count == 1 ? one : many);
}

/// On the build's branch, which goes on from where those of its earlier runs stood.
int Commits(const BuildRecord& build) {
  int count = 0;
  for (const BuildStep& step : build.steps) count += step.commit.empty() ? 0 : 1;
  return count;
}

/// There is something to look at and to take: a step of an agent that was kept, here or in a run before.
bool MadeSomething(const BuildRecord& build) { return Commits(build) > 0 || build.KeptATree(); }

/// Whether going on can end otherwise: a fault of the machine or of what was asked for comes back at the same place until
/// somebody has done something about it.
bool EndedBeforeItsFirstStep(const BuildRecord& build) {
  return build.outcome && build.steps.empty() && build.earlier.empty() &&
         build.outcome->status == temporal::api::enums::v1::WORKFLOW_EXECUTION_STATUS_FAILED;
}

/// Where a build failed, as far as that fits; the rest is with its last verification.
std::string Findings(const BuildRecord& build, size_t width) {
  if (build.Status() == "passed" || build.findings.empty()) return "";
  std::string lines;
  for (const std::string& finding : build.findings) lines += FirstLine("    " + PrintableText(finding), width) + "\n";
  std::string step;
  for (const BuildStep& one : build.steps) {
    if (!one.agent) step = one.name;
  }
  if (step.empty()) return lines;
  return lines + Wrapped("    all of it: wfe audit show-step " + build.target.workflow_id + " " + step + "\n", width, 4);
}

std::string StepLines(const BuildRecord& build, size_t widest, size_t width) {
  std::string lines;
  for (const BuildStep& step : build.steps) {
    std::string line =
        fmt::format("  {} {:<{}}  {:<6}", step.ok ? "✓" : "✗", step.name, widest, step.agent ? "agent" : "checks");
    if (step.agent) {
      line += fmt::format(" {:>9} tokens", GroupedNumber(step.tokens));
      if (step.cost_usd) line += "  " + Dollars(step.cost_usd);
      line += "  " + Plural(static_cast<int64_t>(step.files.size()), "file", "files");
    }
    if (!step.verdict.empty()) line += (step.agent ? "  " : " ") + step.verdict;
    if (!step.commit.empty()) line += fmt::format("  {:.8}", step.commit);
    lines += FirstLine(line, width) + "\n";
    // The whole of it is in `wfe audit show-step`.
    if (!step.said.empty()) lines += FirstLine("      said: " + PrintableText(step.said), width) + "\n";
  }
  return lines;
}

nlohmann::ordered_json StepObjects(const BuildRecord& build) {
  nlohmann::ordered_json steps = nlohmann::ordered_json::array();
  for (const BuildStep& step : build.steps) {
    nlohmann::ordered_json item = {{"step", step.name},
                                   {"kind", step.agent ? "agent" : "verification"},
                                   {"ok", step.ok},
                                   {"time", step.timestamp}};
    if (!step.verdict.empty()) item["verdict"] = step.verdict;
    if (step.agent) item["tokens"] = step.tokens;
    if (step.cost_usd) item["cost_usd"] = RoundedDollars(*step.cost_usd);
    if (step.agent) item["files"] = step.files;
    if (!step.said.empty()) item["said"] = step.said;
    if (!step.snapshot_blob_hash.empty()) item["snapshot"] = step.snapshot_blob_hash;
    if (!step.commit.empty()) item["commit"] = step.commit;
    steps.push_back(std::move(item));
  }
  return steps;
}

}  // namespace

std::string GroupedNumber(int64_t number) {
  std::string digits = std::to_string(number);
  const size_t first = number < 0 ? 1 : 0;
  for (size_t at = digits.size(); at > first + 3;) {
    at -= 3;
    digits.insert(at, ",");
  }
  return digits;
}

std::string EvidenceLine(const std::vector<std::string>& checks) {
  std::string names;
  for (const std::string& check : checks) names += (names.empty() ? "" : ", ") + check;
  return "checks decide by their exit code alone: " + names +
         "; a program that ends itself with 0 passes them, see docs/verdict.md";
}

double RoundedDollars(Money amount) { return Money::Nanos((amount.nanos() + 500) / 1000 * 1000).usd(); }

std::string Dollars(std::optional<Money> amount) {
  if (!amount) return "-";
  return "$" + amount->Rounded(*amount >= Money::Usd(1) ? 2 : 4);
}

std::string OneLine(const BuildRecord& build) {
  std::string text = build.Status();
  if (text == "running") {
    if (!build.running.empty()) text += ": " + build.running;
  } else if (build.FixAttempts() > 0) {
    text += " after " + Plural(build.FixAttempts(), "fix attempt", "fix attempts");
  }
  if (build.NothingChanged()) text += ", nothing changed";
  text += " · " + Plural(build.Tokens(), "token", "tokens");
  if (build.CostUsd()) text += " · " + Dollars(build.CostUsd());
  return text;
}

std::vector<std::string> NextSteps(const BuildRecord& build) {
  const std::string& id = build.target.workflow_id;
  std::vector<std::string> lines;
  const auto say = [&lines](const char* what, const std::string& text) {
    lines.push_back(fmt::format("{:<10} {}", what, text));
  };
  const bool branch = build.place.kind == build::kWorkspaceBranch && !build.place.branch.empty();
  const bool made = MadeSomething(build);
  if (branch && build.outcome && !made) {
    say("result", "none: no step of an agent has ended");
  } else if (branch && build.branch_is_gone) {
    say("result", "branch " + build.place.branch + " of " + build.ProjectDir() + " is not there any more");
  } else if (branch) {
    say("result", fmt::format("branch {} of {}, {}", build.place.branch, build.ProjectDir(),
                              Plural(Commits(build), "commit", "commits")));
  } else if (!build.WorkingDir().empty()) {
    say("result", "directory " + build.WorkingDir());
  }
  for (const std::string& note : build.notes) say("note", note);
  if (!build.outcome) {
    say("watch it", "wfe result " + id + " --follow");
    say("stop it", "wfe cancel " + id);
    return lines;
  }
  const bool in_place = build.place.kind == build::kWorkspaceInPlace;
  const bool base = in_place && !build.place.base_snapshot_blob_hash.empty();
  if (made || base) {
    say("see it", "wfe build diff " + id);
    if (!in_place) {
      say("take it",
          "wfe build diff " + id + " --apply" +
              (branch && !build.branch_is_gone ? "   (or: git merge " + build.place.branch + ")" : ""));
    } else {
      say("undo it", "wfe build undo " + id);
    }
  }
  if (build.Status() != "passed") {
    say("go on", (EndedBeforeItsFirstStep(build) ? "when that is mended: " : "") + ("wfe build resume " + id));
  }
  return lines;
}

nlohmann::ordered_json BuildObject(const BuildRecord& build) {
  nlohmann::ordered_json object = {{"workflow_id", build.target.workflow_id},
                                   {"run_id", build.target.run_id},
                                   {"status", build.Status()},
                                   {"started", build.started},
                                   {"tokens", build.Tokens()},
                                   {"fix_attempts", build.FixAttempts()},
                                   {"project_dir", build.ProjectDir()},
                                   {"working_dir", build.WorkingDir()}};
  if (const auto cost = build.CostUsd()) object["cost_usd"] = RoundedDollars(*cost);
  if (!build.place.kind.empty()) object["workspace"] = build.place.kind;
  if (!build.place.branch.empty()) object["branch"] = build.place.branch;
  if (!build.place.base_commit.empty()) object["base_commit"] = build.place.base_commit;
  if (!build.place.base_snapshot_blob_hash.empty()) object["base_snapshot"] = build.place.base_snapshot_blob_hash;
  if (const std::string last = build.LastSnapshot(); !last.empty()) object["snapshot"] = last;
  if (!build.profile.empty()) object["profile"] = build.profile;
  if (!build.mode.empty()) object["mode"] = build.mode;
  if (!build.running.empty()) object["running"] = build.running;
  if (!build.notes.empty()) object["notes"] = build.notes;
  if (build.outcome && !build.outcome->failure.empty()) object["failure"] = build.outcome->failure;
  if (build.outcome && build.outcome->result.is_object() && build.outcome->result.contains("message")) {
    object["message"] = build.outcome->result["message"];
  }
  if (build.NothingChanged()) object["nothing_changed"] = true;
  object["task"] = build.input.value("task", "");
  object["steps"] = StepObjects(build);
  if (!build.earlier.empty()) object["earlier_runs"] = nlohmann::ordered_json::array();
  for (const BuildRecord& run : build.earlier) {
    object["earlier_runs"].push_back(
        {{"run_id", run.target.run_id}, {"status", run.Status()}, {"started", run.started}, {"steps", StepObjects(run)}});
  }
  return object;
}

std::string BuildPage(const BuildRecord& build, size_t width) {
  std::string page = fmt::format("{}: {}\n", build.target.workflow_id, OneLine(build));
  const size_t room = width > 20 ? width - 13 : 60;
  page += fmt::format("  {:<10} {}\n", "task", FirstLine(build.input.value("task", ""), room));
  page += fmt::format("  {:<10} {}\n", "run", build.target.run_id);
  if (!build.ProjectDir().empty()) page += fmt::format("  {:<10} {}\n", "project", build.ProjectDir());
  std::string kind = build.profile;
  if (!build.mode.empty()) kind += (kind.empty() ? "" : ", ") + build.mode;
  if (!kind.empty()) page += fmt::format("  {:<10} {}\n", "profile", kind);
  size_t widest = 4;
  for (const BuildStep& step : build.steps) widest = std::max(widest, step.name.size());
  for (const BuildRecord& run : build.earlier) {
    for (const BuildStep& step : run.steps) widest = std::max(widest, step.name.size());
  }
  for (const BuildRecord& run : build.earlier) {
    page += fmt::format("\n  run {}: {}\n{}", run.target.run_id, run.Status(), StepLines(run, widest, width));
  }
  if (!build.earlier.empty()) {
    page += fmt::format("\n  run {}\n{}", build.target.run_id, StepLines(build, widest, width));
  } else if (!build.steps.empty()) {
    page += "\n" + StepLines(build, widest, width);
  }
  if (build.outcome) {
    std::string why = build.outcome->cause;
    if (why.empty() && build.outcome->result.is_object()) why = build.outcome->result.value("message", "");
    if (!why.empty()) page += "\n" + Wrapped("  " + why + "\n", width, 2);
    page += Findings(build, width);
  }
  if (!build.by_exit_code.empty()) page += "\n" + Wrapped("  " + EvidenceLine(build.by_exit_code) + "\n", width, 2);
  page += "\n";
  for (const std::string& line : NextSteps(build)) page += Wrapped("  " + line + "\n", width, 13);
  return page;
}

}  // namespace wfe::cli
