internal import ContainerRuntime
internal import JSON
internal import LinuxSystem
internal import OCISpec
internal import Seccomp
internal import SystemPackage

/// A config.json on its way from a file to a plan.
struct LoadedConfig {
    let plan: Plan

    /// Reads, checks and plans; prints the warnings.
    ///
    /// - Parameter rehearses: Nothing will be run: everything is read, whatever is known already.
    init(_ arguments: ParsedArguments, rehearses: Bool = false) throws(CommandError) {
        let named = try NamedConfig(arguments)
        try self.init(
            named.document, file: named.file, bundle: named.bundle, named.invocation,
            arguments.globals.log, rehearses: rehearses)
    }

    /// The config of a bundle.
    init(
        bundle: String, config: String?, _ invocation: Invocation, _ log: Log
    ) throws(CommandError) {
        var name = "\(bundle)/config.json"
        if let config { name = try LoadedConfig.absolute(config) }
        let document = try LoadedConfig.read(name, ofBundle: true)
        try self.init(document, file: name, bundle: bundle, invocation, log)
    }

    /// A process in a container that exists.
    ///
    /// - Parameters:
    ///   - bundle: Where the container's config was.
    ///   - process: A file with the process; nil for the container's own.
    init(
        joining container: StoredContainer, bundle: String, process: String?,
        _ invocation: Invocation, _ log: Log
    ) throws(CommandError) {
        var own: JSONDocument?
        if let process { own = try LoadedConfig.read(process, ofBundle: false) }
        let document: JSONDocument
        do throws(RuntimeError) {
            document = try container.config(process: own)
        } catch {
            throw error
        }
        try self.init(
            document, file: process ?? "config.json", bundle: bundle, invocation, log)
    }

    private init(
        _ document: JSONDocument, file: String, bundle: String, _ invocation: Invocation,
        _ log: Log, rehearses: Bool = false
    ) throws(CommandError) {
        let configuration: Configuration
        do {
            let warnings: [Diagnostic]
            (configuration, warnings) = try ConfigurationBuilder.build(
                document, file: file, bundle: bundle, invocation,
                compiled: rehearses ? nil : LoadedConfig.seccompCache)
            // Those of a container that exists were given when it was created.
            for warning in warnings where invocation.joining == nil {
                if warning.severity == .note && !rehearses {
                    log.debug(warning.text)
                } else {
                    log.warning(warning.text)
                }
            }
        } catch {
            throw CommandError(error.diagnostics.map(\.text))
        }
        do {
            plan = try Planner.plan(
                configuration, document: document, file: file,
                seccompCache: LoadedConfig.seccompCache)
        } catch {
            throw CommandError(error.message)
        }
        for (index, planned) in plan.steps.enumerated() where !rehearses && log.isVerbose {
            log.debug("step \(index + 1), \(planned.side.rawValue): \(planned.step.summary)")
        }
    }

    static func read(_ path: String, ofBundle: Bool) throws(CommandError) -> JSONDocument {
        let bytes: [UInt8]
        do throws(Errno) {
            bytes = try HostPath.read(path)
        } catch .noSuchFileOrDirectory where ofBundle {
            throw CommandError(
                "JSON specification file \(path) not found; --bundle names its directory")
        } catch .isDirectory {
            let inside = "\(path.hasSuffix("/") ? path : path + "/")config.json"
            let isThere = (try? FileStatus.of(path: inside)) != nil
            throw CommandError(
                "\(path) is a directory; name "
                    + (isThere ? inside : "a config.json, and this one has none"))
        } catch {
            throw CommandError("\(path): \(error.words)")
        }
        do {
            return try JSONDocument(bytes)
        } catch {
            let place = "\(path):\(error.position.line):\(error.position.column)"
            throw CommandError("\(place): not JSON: \(error.message)")
        }
    }

    private static let seccompCache = SeccompCache(directory: cacheDirectory + "/seccomp")

    /// As the XDG base directories have it for users.
    static var cacheDirectory: String {
        if Credentials.effectiveUser == 0 { return "/var/cache/vfs-run" }
        if let folder = CurrentProcess.environment("XDG_CACHE_HOME"), folder.hasPrefix("/") {
            return folder + "/vfs-run"
        }
        if let home = CurrentProcess.environment("HOME"), home.hasPrefix("/") {
            return home + "/.cache/vfs-run"
        }
        return "/nonexistent"
    }

    static func directory(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// The directories that `--layer` means.
    static func layers(
        _ name: String, of config: String
    ) throws(CommandError) -> [String] {
        let names = LayerNames(bundle: try absolute(directory(of: config)))
        let place = name.hasPrefix("sha256:") ? name : try absolute(name)
        do throws(LayerNames.Failure) {
            return try names.directories(place)
        } catch {
            throw CommandError("--layer: \(error.sentence)")
        }
    }

    /// A path of the command line as seen from the root.
    static func absolute(_ path: String) throws(CommandError) -> String {
        if path.hasPrefix("/") { return path }
        if path.isEmpty { throw CommandError("a directory's name is empty; is a variable unset?") }
        do {
            let base = try HostPath.workingDirectory()
            return path == "." ? base : "\(base)/\(path)"
        } catch {
            throw CommandError("the working directory is gone: \(error.words)")
        }
    }
}
