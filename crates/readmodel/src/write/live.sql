-- Points the views at the version that the search path names. The checkpoint comes first: every reading statement
-- names it first too, so a swap waits for readers in one place and cannot deadlock with them. A view keeps its
-- columns: a shape that takes one away drops the view here before it makes it.

CREATE OR REPLACE VIEW live.checkpoint AS SELECT * FROM checkpoint;
CREATE OR REPLACE VIEW live.applied AS SELECT * FROM applied;
CREATE OR REPLACE VIEW live.parked AS SELECT * FROM parked;
CREATE OR REPLACE VIEW live.accounts AS SELECT * FROM accounts;
CREATE OR REPLACE VIEW live.account_owners AS SELECT * FROM account_owners;
CREATE OR REPLACE VIEW live.tokens AS SELECT * FROM tokens;
CREATE OR REPLACE VIEW live.token_grants AS SELECT * FROM token_grants;
CREATE OR REPLACE VIEW live.channels AS SELECT * FROM channels;
CREATE OR REPLACE VIEW live.channel_grants AS SELECT * FROM channel_grants;
CREATE OR REPLACE VIEW live.groups AS SELECT * FROM groups;
CREATE OR REPLACE VIEW live.group_members AS SELECT * FROM group_members;
CREATE OR REPLACE VIEW live.packages AS SELECT * FROM packages;
CREATE OR REPLACE VIEW live.package_grants AS SELECT * FROM package_grants;
CREATE OR REPLACE VIEW live.artifacts AS SELECT * FROM artifacts;
CREATE OR REPLACE VIEW live.history AS SELECT * FROM history;
