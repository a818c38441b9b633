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
    /// - Parameter operands: The config, and what replaces `process.args`.
    /// - Parameter rehearses: Nothing will be run: everything is read, whatever is known already.
    init(_ arguments: ParsedArguments, rehearses: Bool = false) throws(CommandError) {
        guard let path = arguments.operands.first else {
            let name = arguments.command.name
            throw CommandError(
                "\(name.isEmpty ? "" : name + ": ")name a config.json; see \"vfs-run \(name.isEmpty ? "--help" : "help \(name)")\""
            )
        }
        var invocation = Invocation()
        invocation.arguments = Array(arguments.operands.dropFirst())
        invocation.upper = try arguments.value("upper").map(LoadedConfig.absolute)
        for layer in arguments.values("layer") {
            invocation.layers.append(try LoadedConfig.absolute(layer))
        }
        invocation.hasTerminal =
            FileDescriptor.standardInput.isTerminal && FileDescriptor.standardOutput.isTerminal
        try self.init(path, invocation, rehearses: rehearses)
    }

    private init(
        _ path: String, _ invocation: Invocation, rehearses: Bool
    ) throws(CommandError) {
        let bytes: [UInt8]
        do {
            bytes = try HostPath.read(path)
        } catch .isDirectory {
            throw CommandError("\(path) is a directory; name the config.json in it")
        } catch {
            throw CommandError("\(path): \(error.words)")
        }
        let document: JSONDocument
        do {
            document = try JSONDocument(bytes)
        } catch {
            let place = "\(path):\(error.position.line):\(error.position.column)"
            throw CommandError("\(place): not JSON: \(error.message)")
        }
        let bundle = try LoadedConfig.absolute(LoadedConfig.directory(of: path))
        do {
            let (configuration, warnings) = try ConfigurationBuilder.build(
                document, file: path, bundle: bundle, invocation,
                compiled: rehearses ? nil : LoadedConfig.seccompCache)
            for warning in warnings { Output.complain(warning.text) }
            plan = Planner.plan(
                configuration, document: document, file: path,
                seccompCache: LoadedConfig.seccompCache)
        } catch {
            throw CommandError(error.diagnostics.map(\.text))
        }
    }

    private static let seccompCache = SeccompCache(directory: "/var/cache/vfs-run/seccomp")

    private static func directory(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// A path of the command line as seen from the root.
    private static func absolute(_ path: String) throws(CommandError) -> String {
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
