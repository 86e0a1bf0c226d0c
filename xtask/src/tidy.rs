//! The repository's rules as code: `cargo xtask tidy` says everything that breaks one, at once.

mod engines;
pub(crate) mod fuzzing;
mod layers;
mod semantics;
mod text;
mod tree;

use crate::shell::say;
use crate::workspace::Workspace;
use tree::Tree;

/// Their answers depend on their arguments alone: no clock, dice, socket, task.
const DECIDING: [&str; 6] = ["model", "expr", "geo", "health", "steer", "dns"];

pub(crate) fn run() -> Result<(), crate::Failure> {
    let workspace = Workspace::read()?;
    let problems = problems(&workspace);
    for problem in &problems {
        say(problem);
    }
    match problems.len() {
        0 => Ok(()),
        broken => Err(crate::Failure::Untidy(broken)),
    }
}

/// Each problem is one line that begins with the place to look at.
fn problems(workspace: &Workspace) -> Vec<String> {
    let tree = Tree::read(&workspace.root);
    let mut problems = tree.unreadable.clone();
    problems.extend(layers::problems(&workspace.packages));
    problems.extend(engines::problems(&workspace.packages));
    problems.extend(text::problems(&tree));
    problems.extend(fuzzing::problems(&tree));
    problems.extend(semantics::problems(&tree));
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_repository_keeps_its_rules() {
        let problems = problems(&Workspace::read().unwrap());
        assert!(problems.is_empty(), "\n{}", problems.join("\n"));
    }
}
