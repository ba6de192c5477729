-- What came before an execution on the chain is told by its place there: the chain's clock and the house's may differ.
ALTER TABLE operations ADD COLUMN started_block BIGINT; -- highest block known when data was first touched; set once
