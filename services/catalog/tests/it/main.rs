//! Catalog from outside: archives as uploaders send them, and the service on the real log.

#[cfg(test)]
mod accepted;
#[cfg(test)]
mod archive;
#[cfg(test)]
mod golden;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod lab;
#[cfg(test)]
mod mutated;
#[cfg(test)]
mod service;
