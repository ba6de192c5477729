//! Who may import whom. The table stands in `docs/ARCHITECTURE.md` and nowhere else: this test reads it there and compares
//! it with the `crate::` paths of every file, so the page cannot say one thing and the program do another.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

const PAGE: &str = "docs/ARCHITECTURE.md";
const HEADING: &str = "## Who may import whom";
/// Rooms that hold words or one outside thing each; what joins two of them has a name and a room of its own.
const ADAPTERS: [&str; 4] = ["schema", "chain", "db", "store"];

/// For each room the rooms it imports.
type Arrows = BTreeMap<String, BTreeSet<String>>;

#[test]
fn the_table_has_every_room_and_no_other() {
    let rooms: BTreeSet<String> = modules().into_iter().collect();
    let named: BTreeSet<String> = table().into_keys().collect();
    assert_eq!(rooms, named, "left: modules of src/lib.rs; right: rows of the table in {PAGE}");
}

#[test]
fn nobody_imports_more_than_the_table_allows() {
    let (allowed, mut broken) = (table(), Vec::new());
    for (file, room) in files() {
        let allowed = allowed.get(&room).cloned().unwrap_or_default();
        for named in imports(&read(&file)) {
            if named != room && !allowed.contains(&named) {
                broken.push(format!("{}: {room} → {named}", file.display()));
            }
        }
    }
    assert!(broken.is_empty(), "arrows that are not in {PAGE}:\n{}", broken.join("\n"));
}

#[test]
fn every_arrow_of_the_table_is_used() {
    let found = found();
    for (room, allowed) in table() {
        let used = found.get(&room).cloned().unwrap_or_default();
        let idle: Vec<_> = allowed.difference(&used).collect();
        assert!(idle.is_empty(), "{PAGE} lets {room} import {idle:?}, which it does not: take them out");
    }
}

#[test]
fn rooms_are_named_by_crate() {
    for (file, room) in files() {
        let text = read(&file);
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        let depth = depth(&file);
        let way_out = "super::".repeat(depth);
        assert!(!code.contains(&way_out), "{}: `{way_out}` leads out of {room}", file.display());
    }
}

#[test]
fn what_the_house_stands_on_holds() {
    let table = table();
    let of = |room: &str| table[room].iter().map(String::as_str).collect::<BTreeSet<_>>();
    assert!(of("domain").is_empty(), "domain knows nothing of ours");
    for adapter in ADAPTERS {
        let others: Vec<_> = ADAPTERS.into_iter().filter(|other| of(adapter).contains(other)).collect();
        assert!(others.is_empty(), "{adapter} is an adapter and knows {others:?}");
    }
    for room in ["aims", "access", "api"] {
        assert!(!of(room).contains("chain"), "{room} asks the gate, not the chain");
    }
    assert!(!of("aims").contains("api") && !of("aims").contains("access"), "aims know no door");
    assert!(
        of("verify").is_disjoint(&["db", "aims", "licensing", "store"].into()),
        "verify trusts nothing of the house"
    );
}

#[test]
fn the_table_has_no_circle() {
    let mut left = table();
    while !left.is_empty() {
        let ground: Vec<String> = left
            .iter()
            .filter(|(_, to)| to.iter().all(|room| !left.contains_key(room)))
            .map(|(room, _)| room.clone())
            .collect();
        assert!(
            !ground.is_empty(),
            "these rooms import one another in a circle: {:?}",
            left.keys().collect::<Vec<_>>()
        );
        ground.iter().for_each(|room| drop(left.remove(room)));
    }
}

#[test]
fn the_reader_of_imports_sees_them_all() {
    let text = "use crate::{clock::Clock, db::{self, Page, rows::{A, B}}, schema};\n// crate::secret\nfn f() { crate::store::f(); }\nuse crate::domain::ids;";
    assert_eq!(imports(text).into_iter().collect::<Vec<_>>(), ["clock", "db", "domain", "schema", "store"]);
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The rows after [`HEADING`]: a room in backquotes, then rooms with commas between.
fn table() -> Arrows {
    let page = read(&root().join(PAGE));
    let (_, after) = page.split_once(HEADING).unwrap_or_else(|| panic!("{PAGE} has no heading `{HEADING}`"));
    let section = after.split("\n## ").next().unwrap_or_default();
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    let arrows = rows.map(|row| {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let words = cells[2].split(',').map(|word| word.trim().trim_matches('`').to_owned());
        (cells[1].trim_matches('`').to_owned(), words.filter(|word| !word.is_empty() && word != "–").collect())
    });
    arrows.collect()
}

fn modules() -> Vec<String> {
    let lib = read(&root().join("src/lib.rs"));
    let names = lib.lines().filter_map(|line| line.trim().strip_prefix("pub mod ")?.strip_suffix(';'));
    names.map(str::to_owned).collect()
}

/// Every source file below a room, with the room; the two `main` files only start `cli`.
fn files() -> Vec<(PathBuf, String)> {
    let rooms: BTreeSet<String> = modules().into_iter().collect();
    let (mut found, mut folders) = (Vec::new(), vec![root().join("src")]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            match (path.is_dir(), room_of(&path)) {
                (true, _) => folders.push(path),
                (false, Some(room)) if rooms.contains(&room) => found.push((path, room)),
                (false, _) => {}
            }
        }
    }
    assert!(found.len() > 100, "the sources were not found");
    found
}

fn room_of(path: &Path) -> Option<String> {
    let inside = path.strip_prefix(root().join("src")).ok()?;
    let first = inside.components().next()?.as_os_str().to_str()?;
    path.extension().is_some_and(|ending| ending == "rs").then(|| first.trim_end_matches(".rs").to_owned())
}

/// How many modules deep a file is: `src/a/b.rs` and `src/a/b/mod.rs` are two.
fn depth(path: &Path) -> usize {
    let parts = path.strip_prefix(root().join("src")).map_or(0, |inside| inside.components().count());
    parts - usize::from(path.ends_with("mod.rs"))
}

fn found() -> Arrows {
    let mut arrows = Arrows::new();
    for (file, room) in files() {
        let named = imports(&read(&file)).into_iter().filter(|named| *named != room);
        arrows.entry(room.clone()).or_default().extend(named);
    }
    arrows
}

/// The rooms a text names by `crate::`, in `use` lines with or without braces and in the middle of code.
fn imports(text: &str) -> BTreeSet<String> {
    let code: Vec<&str> = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    let code = code.join("\n");
    let mut rooms = BTreeSet::new();
    for (at, found) in code.match_indices("crate::") {
        let is_path = !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '$');
        let rest = &code[at + found.len()..];
        match rest.strip_prefix('{') {
            _ if !is_path => {}
            Some(group) => rooms.extend(first_words(group)),
            None => rooms.extend(word(rest)),
        }
    }
    rooms
}

/// The first word of each entry between braces, whatever is nested in it.
fn first_words(group: &str) -> Vec<String> {
    let (mut level, mut entries) = (1_u32, vec![String::new()]);
    for letter in group.chars() {
        match letter {
            '{' => level += 1,
            '}' => level -= 1,
            ',' if level == 1 => entries.push(String::new()),
            _ if level == 1 => entries.last_mut().expect("there is always one").push(letter),
            _ => {}
        }
        if level == 0 {
            break;
        }
    }
    entries.iter().filter_map(|entry| word(entry.trim())).collect()
}

fn word(text: &str) -> Option<String> {
    let word: String = text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    (!word.is_empty()).then_some(word)
}

#[test]
fn columns_are_read_by_name() {
    for (file, _) in files().into_iter().filter(|(_, room)| room == "db") {
        assert!(!read(&file).contains("SELECT *"), "{}: a newer program may add columns", file.display());
    }
}
