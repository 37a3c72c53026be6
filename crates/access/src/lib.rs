//! The fold of AUTHZ and the one authoriser; pure.
