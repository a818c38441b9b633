internal import CLinux
public import SystemPackage

/// The network of the namespace this process is in.
public enum Network {
    /// Brings the loopback interface up. The corresponding C function is `ioctl` with
    /// `SIOCSIFFLAGS`.
    public static func bringLoopbackUp() throws(Errno) {
        try checkDone(clinux_loopback_up())
    }
}
