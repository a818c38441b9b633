internal import JSON
internal import OCISpec
internal import Seccomp

/// The seccomp profile of a config: a part of it, or a document of its own.
struct SeccompReading {
    /// nil where the config has none, where its compiled filter is known, and where it cannot be
    /// read.
    private(set) var profile: Spec.Seccomp?
    /// The diagnostics of the document that contains the profile.
    private(set) var diagnostics: Diagnostics
    /// Findings about a document other than config.json.
    private(set) var others: [Diagnostic] = []
    private(set) var setting: Setting<Configuration.SeccompProfile>?

    init(_ request: Request, _ host: HostFacts, _ diagnostics: Diagnostics) {
        self.diagnostics = diagnostics
        let origin: Origin
        let value: JSONValue
        if let found = request.spec.linux?.seccomp {
            (value, origin) = (found, .config(found.offset))
        } else if let name = request.spec.vfs?.seccomp {
            origin = .config(name.offset)
            guard host.seccompFilter == nil, case .success(let bytes) = host.seccompProfile else {
                setting = host.seccompFilter.map { Setting(.compiled($0), origin) }
                return
            }
            do {
                let document = try JSONDocument(bytes)
                self.diagnostics = Diagnostics(document, file: name.value)
                self.diagnostics.reportDuplicateKeys()
                value = document.root
            } catch {
                others = [Diagnostic(error, file: name.value)]
                return
            }
        } else {
            return
        }
        if let filter = host.seccompFilter {
            setting = Setting(.compiled(filter), origin)
        } else {
            profile = Spec.Seccomp(value, self.diagnostics)
            setting = profile.map { Setting(.read($0), origin) }
        }
    }

    /// All findings about a document other than `config`.
    func others(than config: Diagnostics) -> [Diagnostic] {
        diagnostics === config ? others : diagnostics.sorted
    }
}
