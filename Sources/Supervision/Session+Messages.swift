internal import ContainerRuntime
internal import LinuxSystem
internal import SystemPackage

// What the init process says, and the answers.
extension Session {
    /// One message of the init process; its end of the channel closes when the program runs, or
    /// when it dies.
    mutating func receive() throws(Failure) {
        guard let current = channel.take() else { return }
        let message = try attempt("recvmsg", try current.receive())
        guard let message else {
            if failure != nil || exceeded != nil { return }
            // A filter may have kept it from saying that it executes.
            setStarted(isExecuting && !looksAtStart || hasExecuted ?? isExecuting)
            if hasStarted { _ = answer(walk.plan.firstAfterStart) }
            if failure == nil, let restored = walk.takeRestored() { try followRestored(restored) }
            return
        }
        let words = InitMessage(message.bytes)
        switch words {
        case .terminal:
            guard let multiplexer = message.takeDescriptor() else { return }
            try take(terminal: multiplexer)
        case .upper(let tree):
            guard let upper = message.takeDescriptor() else { return }
            walk.keep(upper: upper, of: tree)
        case .proxy:
            guard let socket = message.takeDescriptor(), let place = walk.takeProxy() else {
                failure = .failed(step: -1, Failure("the init process sent an unknown message"))
                break
            }
            do throws(Errno) {
                proxyRelay = try ProxyRelay(socket, place)
            } catch {
                throw Failure("fcntl", "O_NONBLOCK", error)
            }
        case .listener(let number):
            if let listener = message.takeDescriptor() {
                walk.keep(listener: listener)
                break
            }
            let listener = try attempt(
                "pidfd_getfd", "of the seccomp listener", try descriptor(number))
            walk.keep(listener: listener)
        case .turn(let step) where step < walk.plan.firstAfterStart:
            if answer(step) {
                try attempt("sendmsg", "to the init process", try current.send(InitMessage.go))
            }
        case .executing(let record):
            isExecuting = true
            limits.onMoment?(.executes)
            startRecord = record
        case .entered: try follow(message.sender)
        case .forked where walk.plan.hasInit && walk.program == nil && message.sender > 0:
            walk.keep(program: message.sender)
        case .criu(let images, let work):
            guard let socket = message.takeDescriptor() else { return }
            walk.keep(criu: socket, images: images, work: work)
        case .ready:
            try takeJob()
            try attempt("sendmsg", "to the init process", try current.send(InitMessage.go))
        case .failed(let step, let error): failure = .failed(step: step, error)
        case .turn, .spawned, .notSpawned, .root, .forked, nil:
            failure = .failed(step: -1, Failure("the init process sent an unknown message"))
        }
        channel = consume current
    }

    /// The process has made the one that goes on in the container, and ends. Once: what is in the
    /// container already may say anything.
    mutating func follow(_ process: Int32) throws(Failure) {
        if hasEntered || process <= 0 {
            failure = .failed(step: -1, Failure("the process in the container was made twice"))
            return
        }
        hasEntered = true
        let made = try attempt("pidfd_open", "\(process)", try ChildProcess(child: process))
        _ = try attempt("waitid", try child.wait())
        child = made
    }

    /// criu is done, and has made the container's first process as a child of this one.
    mutating func followRestored(_ process: Int32) throws(Failure) {
        let made = try attempt("pidfd_open", "\(process)", try ChildProcess(child: process))
        _ = try attempt("waitid", "of criu", try child.wait())
        child = made
        if let terminal = try walk.takeRestoredTerminal() { try take(terminal: terminal) }
    }

    /// A descriptor of the process that becomes the program.
    func descriptor(_ number: CInt) throws(Errno) -> OwnedDescriptor {
        guard let program = walk.program else { return try child.descriptor(number) }
        // The init has not taken note of its end: the number is still its own.
        return try ProcessIdentity.descriptor(number, of: program)
    }

    /// Takes the runtime's steps; when one fails the container ends. False then.
    mutating func answer(_ step: Int) -> Bool {
        do {
            if try walk.takeTurn(step, child) {
                isCreated = true
                if until == .created { limits.onMoment?(.executes) }
            }
            return true
        } catch {
            failure = .refused(error)
            kill()
            return false
        }
    }

    /// To the listener at the console socket, or kept here.
    mutating func take(
        terminal multiplexer: consuming OwnedDescriptor
    ) throws(Failure) {
        guard let consoleSocket = walk.plan.consoleSocket else {
            proxy = try TerminalProxy(multiplexer, settings: walk.terminal, output)
            return
        }
        let far = multiplexer.borrowed
        try attempt("connect", consoleSocket.inQuotes) { () throws(Errno) in
            let socket = try HostPath.connect(consoleSocket)
            // The receiver takes the bytes for the terminal's name.
            try socket.borrowed.send(Array(far.peerName().utf8), passing: far)
        }
    }
}
