# Files compiled into the program, so that an installed one needs no data directory.  All of it runs when CMake configures.

# wfe_write_if_changed(OUTPUT TEXT): an unchanged file keeps its time, and nothing is compiled again.
function(wfe_write_if_changed output text)
  set(previous "")
  if(EXISTS "${output}")
    file(READ "${output}" previous)
  endif()
  if(NOT previous STREQUAL text)
    file(WRITE "${output}" "${text}")
  endif()
endfunction()

# wfe_embed_files(OUTPUT FOLDER HEADER NAMESPACE TYPE FUNCTION FILE…): `const std::vector<TYPE>& FUNCTION()` of NAMESPACE,
# which HEADER declares: name and content of every FILE below FOLDER of the current directory.
function(wfe_embed_files output folder header namespace type function)
  set(root "${CMAKE_CURRENT_SOURCE_DIR}/${folder}")
  file(RELATIVE_PATH shown "${PROJECT_SOURCE_DIR}" "${root}")
  set(text "// Generated from ${shown}; do not edit.\n#include \"${header}\"\n\n")
  # A lock file is longer than the 65,536 characters every compiler must take; ours take it.
  string(APPEND text "#pragma GCC diagnostic ignored \"-Woverlength-strings\"\n\n")
  string(APPEND text "namespace ${namespace} {\n\nconst std::vector<${type}>& ${function}() {\n")
  string(APPEND text "  static const std::vector<${type}> files = {\n")
  foreach(file IN LISTS ARGN)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${root}/${file}")
    file(READ "${root}/${file}" content)
    string(APPEND text "{\"${file}\", R\"wfe_file(${content})wfe_file\"},\n")
  endforeach()
  string(APPEND text "  };\n  return files;\n}\n\n}  // namespace ${namespace}\n")
  wfe_write_if_changed("${output}" "${text}")
endfunction()
