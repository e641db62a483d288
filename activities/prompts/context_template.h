// GEMINI.md templates: files with named sections and {{placeholders}} (AC-5, RC-4), and how they are rendered.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"

namespace wfe::prompts {

/// Sections every template has, by the exact text of their "## " headings.
inline constexpr std::string_view kContextSections[] = {"STRICT CONSTRAINTS", "Implementation Prompt",
                                                        "VERIFICATION PROTOCOL", "Core Package Specifics"};

struct ContextTemplate {
  std::string id;
  int version = 0;
  std::string text;
};

/// A part of a template or of a rendered context; the texts of all of them, joined, are the whole.
struct ContextSection {
  std::string name;       ///< The heading without "## "; empty for what stands before the first one.
  std::string_view text;  ///< With the heading's line.  Points into the text that was split.
};

/// Cuts a text at its "## " headings; those inside code fences are text.
std::vector<ContextSection> SplitSections(std::string_view text);

/// The names of the {{placeholders}} of a text; malformed ones are left out.
std::set<std::string> Placeholders(std::string_view text);

/// True for 1 to 100 letters, digits, "-", "_" and ".", not starting with ".": what a template id may be.
bool IsTemplateId(std::string_view text);

/// Reads <directory>/<id>/v<NNN>.md; version 0 means the `active` one of <directory>/<id>/template.json.
/// NOT_FOUND names what is missing; INVALID_ARGUMENT for an id that is no plain name.
Result<ContextTemplate> LoadContextTemplate(const std::string& directory, const std::string& id, int version);

/// Templates of what the agent is told in a step.
bool IsInstructionTemplate(std::string_view template_id);
/// Templates of one generation ("generation-python"); all others are of GEMINI.md.
bool IsGenerationTemplate(std::string_view template_id);

/// Sections that a generation's template has at least (RC-4).
inline constexpr std::string_view kGenerationSections[] = {"imports", "structure", "best practices", "examples"};

/// The placeholders that an instruction may have; the workflow has a value for each.
inline constexpr std::string_view kInstructionPlaceholders[] = {"task", "attempt", "error_type", "error_log",
                                                                "guidance"};

/// Whether a text can be a template: no malformed placeholder; each of kContextSections once in one of GEMINI.md, each
/// of kGenerationSections and {{task}} in one of a generation; in an instruction {{task}}, {{error_log}} where it repairs, and no placeholder that has no value.
Status CheckContextTemplate(const ContextTemplate& source);

struct RenderedContext {
  std::string text;
  std::map<std::string, std::string> section_hashes;  ///< Heading -> SHA-256 of heading and body as rendered.
};

/// Fills the placeholders of an instruction.  `error_log` is data: it stands in a fence that nothing in it can close;
/// `guidance` gets a line that says whose it is, and is nothing when it is empty.  A value that is missing is empty.
Result<std::string> RenderInstruction(const ContextTemplate& source, std::map<std::string, std::string> values);

/// Fills the placeholders ({{name}}, names of [a-z0-9_]) and hashes the sections.  INVALID_ARGUMENT for a placeholder
/// without a value, a value that no placeholder uses, a malformed placeholder, or a missing or doubled section.
/// Values are put in as they are; braces in them are text.
Result<RenderedContext> RenderContext(const ContextTemplate& source, const std::map<std::string, std::string>& values);

}  // namespace wfe::prompts
