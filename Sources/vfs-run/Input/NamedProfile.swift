internal import ContainerRuntime
internal import JSON
internal import LinuxSystem
internal import OCISpec
internal import Seccomp
internal import SystemPackage

/// The seccomp profile that a command line names: a built-in one, a file of its own, or that of a
/// config.json.
struct NamedProfile {
    let profile: Spec.Seccomp
    let filter: SeccompFilter
    private let file: String
    private let lines: JSONLines

    /// Compiles a profile of a document.
    ///
    /// - Parameter file: Its name, for messages.
    init(_ value: JSONValue, file: String) throws(Failure) {
        let diagnostics = Diagnostics(value.document, file: file)
        guard let profile = Spec.Seccomp(value, diagnostics), !diagnostics.hasErrors else {
            let lines = diagnostics.all.map(\.text)
            throw Failure(lines.isEmpty ? ["\(file): no seccomp profile"] : lines)
        }
        self.profile = profile
        self.file = file
        lines = value.document.lines
        do {
            filter = try SeccompCompiler.compile(profile)
        } catch {
            throw Failure("\(file):\(lines.line(of: error.offset)): \(error.description)")
        }
    }

    /// - Parameter word: `default`, `strict`, or the name of a file.
    init(_ word: String) throws(Failure) {
        if let builtIn = BuiltInProfile(rawValue: word) {
            try self.init(builtIn: builtIn)
            return
        }
        let document = try LoadedConfig.read(word, ofBundle: false)
        let isProfile = document.root["defaultAction"] != nil
        if isProfile {
            try self.init(document.root, file: word)
            return
        }
        let bundle = try LoadedConfig.bundle(of: word)
        guard let found = try NamedProfile(of: document, file: word, bundle: bundle) else {
            throw Failure(
                "\(word) has no seccomp profile; add \"vfs\": {\"seccomp\": \"default\"}, or name a"
                    + " file with a profile")
        }
        self = found
    }

    private init(builtIn: BuiltInProfile) throws(Failure) {
        guard let document = try? JSONDocument(builtIn.bytes) else {
            throw Failure("the built-in seccomp profile cannot be read")
        }
        let name = builtIn == .strict ? "config/seccomp-strict.json" : "config/seccomp.json"
        try self.init(document.root, file: name)
    }

    /// That of a config.json; nil where it has none.
    init?(of document: JSONDocument, file: String, bundle: String) throws(Failure) {
        if let value = document.root["linux"]?["seccomp"], value.kind == .object {
            try self.init(value, file: file)
            return
        }
        guard let name = document.root["vfs"]?["seccomp"]?.string else { return nil }
        if let builtIn = BuiltInProfile(rawValue: name) {
            try self.init(builtIn: builtIn)
            return
        }
        let path = name.hasPrefix("/") ? name : "\(bundle)/\(name)"
        try self.init(try LoadedConfig.read(path, ofBundle: false).root, file: name)
    }

    /// `profile.json:12`
    func place(_ offset: Int) -> String { "\(file):\(lines.line(of: offset))" }

    var defaultPlace: String { place(profile.defaultAction?.offset ?? profile.offset) }

    /// Its filter, to be asked.
    var stack: FilterStack {
        get throws(Failure) {
            guard let stack = FilterStack([filter]) else {
                throw Failure("\(file): the compiled filter is no program")
            }
            return stack
        }
    }
}
