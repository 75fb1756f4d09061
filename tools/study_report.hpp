#pragma once

#include <string>

#include "study_results.hpp"

namespace duet::tools {

/// A row a recipe, columns for each data set; below it which pairs of recipes differ, what failed, and how
/// many runs are left.
std::string study_text(const Study& study, const StudyResults& results);

/// The same as a page of Markdown, which says what its numbers are, what each recipe is, and which sources
/// and networks and which `command` made it.
std::string study_markdown(const Study& study, const StudyResults& results, const std::string& command);

}  // namespace duet::tools
