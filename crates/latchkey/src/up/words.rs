//! What `up` tells the person who started it.

use std::net::SocketAddr;
use std::path::Path;

use super::record::Record;

/// What is shown once everything is ready.
pub(crate) struct Welcome<'a> {
    pub(crate) record: &'a Record,
    /// Only at the first start.
    pub(crate) password: Option<&'a str>,
    pub(crate) password_file: &'a Path,
    pub(crate) record_file: &'a Path,
    pub(crate) metrics: SocketAddr,
}

impl Welcome<'_> {
    pub(crate) fn lines(&self) -> Vec<String> {
        let record = self.record;
        let command = record.latchkey.display();
        let login = &record.admin_login;
        let ca =
            record.tls_ca.as_ref().map_or_else(String::new, |ca| format!(" LATCHKEY_CA={}", ca.display()));
        let mut lines = vec![
            "Latchkey is up.".to_owned(),
            String::new(),
            format!("  conda and REST   {}", record.http),
            format!("  Python           {}/pypi/CHANNEL/", record.http),
        ];
        let others = record.replicas.http.iter().skip(1);
        lines.extend(others.map(|http| format!("  another gateway  {http}")));
        lines.extend([
            format!("  metrics          http://{}/metrics", self.metrics),
            format!("  for scripts      {}", self.record_file.display()),
            String::new(),
        ]);
        lines.extend(record.tls_ca.iter().flat_map(|ca| trust(ca)));
        match self.password {
            Some(password) => {
                lines.push(format!("First account: {login}, password: {password}"));
                lines.push(format!("  shown only now, and kept in {}", self.password_file.display()));
            }
            None => {
                let kept = self.password_file.display();
                lines
                    .push(format!("First account: {login}; the password it was made with is kept in {kept}"));
            }
        }
        if record.admin_token.is_empty() {
            lines.push("  its password was changed: up.json holds no session for scripts".to_owned());
        }
        lines.extend([
            String::new(),
            "Next, in another terminal:".to_owned(),
            format!("  alias latchkey={command}"),
            format!("  export LATCHKEY_URL={}{ca}", record.http),
            format!("  latchkey login --login {login}"),
            "  latchkey channel create acme --private".to_owned(),
            "  latchkey upload acme FILE…".to_owned(),
            "  latchkey token create readers --resource acme:read --expires 30d".to_owned(),
            String::new(),
            "Ctrl-C stops all of it; the same folder starts again with everything in it.".to_owned(),
        ]);
        lines
    }
}

/// How each client is told to trust the certificate authority.
fn trust(ca: &Path) -> Vec<String> {
    let ca = ca.display();
    vec![
        "HTTPS with a certificate authority of its own. Trust it in one client:".to_owned(),
        format!("  conda            conda config --set ssl_verify {ca}"),
        format!("  anaconda         export REQUESTS_CA_BUNDLE={ca}"),
        format!("  pip, twine       export PIP_CERT={ca} TWINE_CERT={ca}"),
        format!("  uv, pixi         export SSL_CERT_FILE={ca}"),
        format!("  curl             curl --cacert {ca}"),
        "or in all of this machine (Debian; as root):".to_owned(),
        format!(
            "  install -m 644 {ca} /usr/local/share/ca-certificates/latchkey.crt && update-ca-certificates"
        ),
        String::new(),
    ]
}
