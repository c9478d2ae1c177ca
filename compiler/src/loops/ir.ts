export type Stmt = unknown; // replaced by the loop IR
