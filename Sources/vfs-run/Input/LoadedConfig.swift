internal import ContainerRuntime
internal import JSON
internal import LinuxSystem
internal import OCISpec
internal import Seccomp
internal import SystemPackage

/// Reads a config.json and makes a plan of it.
struct LoadedConfig {
    let plan: Plan

    /// Reads, checks and plans. Prints the warnings.
    ///
    /// - Parameter rehearses: The plan is not run. Caches are not used.
    init(_ arguments: ParsedArguments, rehearses: Bool = false) throws(Failure) {
        let named = try NamedConfig(arguments)
        try self.init(
            named.document, file: named.file, bundle: named.bundle, named.invocation,
            arguments.globals.log, rehearses: rehearses)
    }

    /// The config of a bundle.
    init(
        bundle: String, config: String?, _ invocation: Invocation, _ log: Log
    ) throws(Failure) {
        var name = "\(bundle)/config.json"
        if let config { name = try LoadedConfig.absolute(config) }
        let document = try LoadedConfig.read(name, ofBundle: true)
        try self.init(document, file: name, bundle: bundle, invocation, log)
    }

    /// A process in a container that exists.
    ///
    /// - Parameters:
    ///   - bundle: The bundle of the container.
    ///   - process: A file with the process; nil for that of the config.
    init(
        joining container: StoredContainer, bundle: String, process: String?,
        _ invocation: Invocation, _ log: Log
    ) throws(Failure) {
        var own: JSONDocument?
        if let process { own = try LoadedConfig.read(process, ofBundle: false) }
        let document = try container.config(process: own)
        try self.init(
            document, file: process ?? "config.json", bundle: bundle, invocation, log)
    }

    /// A document that was read or written before.
    init(
        _ document: JSONDocument, file: String, bundle: String, _ invocation: Invocation,
        _ log: Log, rehearses: Bool = false, warn: ((String) -> Void)? = nil
    ) throws(Failure) {
        let configuration: Configuration
        do {
            let warnings: [Diagnostic]
            (configuration, warnings) = try ConfigurationBuilder.build(
                document, file: file, bundle: bundle, invocation,
                compiled: rehearses ? nil : LoadedConfig.seccompCache)
            // The warnings about a container were printed when it was created.
            for warning in warnings where invocation.joining == nil {
                if warning.severity == .note && !rehearses {
                    log.debug(warning.text)
                } else {
                    (warn ?? log.warning)(warning.text)
                }
            }
        } catch {
            throw Failure(error.diagnostics.map(\.text))
        }
        plan = try Planner.plan(
            configuration, document: document, file: file,
            seccompCache: LoadedConfig.seccompCache)
        for (index, planned) in plan.steps.enumerated() where !rehearses && log.isVerbose {
            log.debug("step \(index + 1), \(planned.side.rawValue): \(planned.step.summary)")
        }
    }

    static func read(_ path: String, ofBundle: Bool) throws(Failure) -> JSONDocument {
        let bytes: [UInt8]
        if isStream(path) { CurrentProcess.sealByCopyEarly() }
        do throws(Errno) {
            bytes = try HostPath.read(path)
        } catch .noSuchFileOrDirectory where ofBundle {
            throw Failure(
                "JSON specification file \(path) not found; use --bundle for its directory")
        } catch .isDirectory {
            if let words = Command.rootFileSystem(path) {
                throw Failure("\(path) is a directory without a config.json; \(words)")
            }
            let inside = "\(path.hasSuffix("/") ? path : path + "/")config.json"
            let isThere = (try? FileStatus.of(path: inside)) != nil
            throw Failure(
                "\(path) is a directory; name "
                    + (isThere ? inside : "a config.json, which this directory lacks"))
        } catch {
            throw Failure("\(path): \(error.words)")
        }
        do {
            return try JSONDocument(bytes)
        } catch {
            if let words = Command.rootFileSystem(path) {
                throw Failure("\(path) is no config.json; \(words)")
            }
            let place = "\(path):\(error.position.line):\(error.position.column)"
            throw Failure("\(place): not JSON: \(error.message)")
        }
    }

    /// Whether it is a pipe, which can be read once: `<(jq …)`.
    private static func isStream(_ path: String) -> Bool {
        guard let kind = (try? FileStatus.of(path: path))?.kind else { return false }
        return kind != .regular && kind != .directory
    }

    /// The directory of a config.json; of one from a pipe the working directory.
    static func bundle(of path: String) throws(Failure) -> String {
        try absolute(isStream(path) ? "." : directory(of: path))
    }

    private static let seccompCache = SeccompCache(directory: cacheDirectory + "/seccomp")

    /// By the XDG base directory specification.
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

    /// The directories of a name of `--layer`.
    static func layers(
        _ name: String, of config: String
    ) throws(Failure) -> [String] {
        let names = LayerNames(bundle: try bundle(of: config))
        do throws(Failure) {
            let place = name.hasPrefix("sha256:") ? name : try absolute(name)
            return try names.directories(place)
        } catch {
            throw error.within("--layer")
        }
    }

    /// A path of the command line, absolute.
    static func absolute(_ path: String) throws(Failure) -> String {
        if path.hasPrefix("/") { return path }
        if path.isEmpty {
            throw Failure(
                "the name of a directory is empty; check the variables of the command line")
        }
        do {
            let base = try HostPath.workingDirectory()
            return path == "." ? base : "\(base)/\(path)"
        } catch {
            throw Failure("the working directory does not exist: \(error.words)")
        }
    }
}
