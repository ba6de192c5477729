//! **Searching the generalisation lattice.** A node says for each quasi-identifier how far it is generalised; below a
//! node stand all that generalise less. Both criteria are monotone: what satisfies them still does when it is
//! generalised further. So each node that is looked at decides many others.
//!
//! The strategy is that of Flash (F. Kohlmayer, F. Prasser, C. Eckert, A. Kemper and K. A. Kuhn, “Flash: efficient, stable
//! and optimal k-anonymity”, IEEE PASSAT 2012): level by level, from each undecided node a path upwards through undecided
//! nodes, searched by halving. The result are all minimal nodes, the candidates of Optimal Lattice Anonymization (K. El
//! Emam et al., “A globally optimal k-anonymity method for the de-identification of health data”, J. Am. Med. Inform.
//! Assoc. 16(5), 2009); which of them is best is for the caller.

use super::error::TableError;

/// Most nodes of a lattice.
const MOST_NODES: u64 = 200_000;

/// How far each quasi-identifier is generalised.
pub type Node = Vec<usize>;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Known {
    Nothing,
    Satisfies,
    Fails,
}

struct Lattice<'a> {
    heights: &'a [usize],
    known: Vec<Known>,
}

/// The minimal nodes that satisfy a monotone criterion; none when not even the top does.
///
/// # Errors
/// [`TableError::TooMany`] when there are too many combinations.
pub fn minimal(heights: &[usize], mut satisfies: impl FnMut(&[usize]) -> bool) -> Result<Vec<Node>, TableError> {
    let count = heights.iter().try_fold(1_u64, |count, height| count.checked_mul(*height as u64 + 1));
    let count = count.filter(|count| *count <= MOST_NODES);
    let count = count.ok_or(TableError::TooMany { most: MOST_NODES, what: "combinations of generalisation levels" })?;
    let mut lattice = Lattice { heights, known: vec![Known::Nothing; count as usize] };
    let mut order: Vec<usize> = (0..lattice.known.len()).collect();
    order.sort_by_cached_key(|index| lattice.node(*index).iter().sum::<usize>());
    for start in &order {
        if lattice.known.get(*start) == Some(&Known::Nothing) {
            let path = lattice.path_from(*start);
            lattice.halve(&path, &mut satisfies);
        }
    }
    let minimal = order.into_iter().filter(|index| lattice.is_minimal(*index));
    Ok(minimal.map(|index| lattice.node(index)).collect())
}

impl Lattice<'_> {
    fn node(&self, mut index: usize) -> Node {
        let mut node = Vec::with_capacity(self.heights.len());
        for height in self.heights {
            node.push(index % (height + 1));
            index /= height + 1;
        }
        node
    }

    /// Neighbours one step up or down.
    fn neighbours(&self, index: usize, up: bool) -> Vec<usize> {
        let mut found = Vec::with_capacity(self.heights.len());
        let (mut stride, mut rest) = (1, index);
        for height in self.heights {
            let level = rest % (height + 1);
            rest /= height + 1;
            if up && level < *height {
                found.push(index + stride);
            } else if !up && level > 0 {
                found.push(index - stride);
            }
            stride *= height + 1;
        }
        found
    }

    fn is(&self, index: usize, known: Known) -> bool {
        self.known.get(index) == Some(&known)
    }

    fn path_from(&self, start: usize) -> Vec<usize> {
        let mut path = vec![start];
        let mut last = start;
        while let Some(next) = self.neighbours(last, true).into_iter().find(|next| self.is(*next, Known::Nothing)) {
            path.push(next);
            last = next;
        }
        path
    }

    fn halve(&mut self, path: &[usize], satisfies: &mut impl FnMut(&[usize]) -> bool) {
        let (mut low, mut high) = (0, path.len());
        while low < high {
            let middle = (low + high) / 2;
            let Some(index) = path.get(middle) else { return };
            if satisfies(&self.node(*index)) {
                self.spread(*index, Known::Satisfies);
                high = middle;
            } else {
                self.spread(*index, Known::Fails);
                low = middle + 1;
            }
        }
    }

    /// What holds of a node holds of all above it, or of all below it.
    fn spread(&mut self, index: usize, known: Known) {
        let mut open = vec![index];
        while let Some(index) = open.pop() {
            match self.known.get_mut(index) {
                Some(place) if *place != known => *place = known,
                _ => continue,
            }
            open.extend(self.neighbours(index, known == Known::Satisfies));
        }
    }

    fn is_minimal(&self, index: usize) -> bool {
        self.is(index, Known::Satisfies)
            && self.neighbours(index, false).iter().all(|below| self.is(*below, Known::Fails))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn too_many_combinations_are_refused() {
        assert!(minimal(&[9; 12], |_| true).is_err());
        assert!(minimal(&[usize::MAX - 1; 2], |_| true).is_err());
    }

    #[test]
    fn nothing_is_minimal_when_nothing_satisfies() {
        assert_eq!(minimal(&[2, 3], |_| false).unwrap(), Vec::<Node>::new());
        assert_eq!(minimal(&[2, 3], |_| true).unwrap(), [vec![0, 0]]);
    }

    proptest! {
        /// Against looking at every node.
        #[test]
        fn all_minimal_nodes_are_found_without_looking_everywhere(
            heights in prop::collection::vec(0_usize..4, 1..5),
            seeds in prop::collection::vec(prop::collection::vec(0_usize..4, 5), 0..4),
        ) {
            let above = |node: &[usize]| seeds.iter().any(|seed| node.iter().zip(seed).all(|(level, least)| level >= least));
            let mut asked = 0;
            let mut found = minimal(&heights, |node| { asked += 1; above(node) }).unwrap();
            let count: usize = heights.iter().map(|height| height + 1).product();
            prop_assert!(asked <= count);
            let lattice = Lattice { heights: &heights, known: Vec::new() };
            let all: Vec<Node> = (0..count).map(|index| lattice.node(index)).collect();
            let below = |node: &Node| (0..node.len()).filter(|q| node[*q] > 0).map(|q| { let mut n = node.clone(); n[q] -= 1; n }).collect::<Vec<_>>();
            let mut truth: Vec<Node> = all.into_iter().filter(|node| above(node) && below(node).iter().all(|n| !above(n))).collect();
            found.sort();
            truth.sort();
            prop_assert_eq!(found, truth);
        }
    }
}
