/// The proxy inside: a port of the loopback interface, which the runtime process listens at.
public enum NetworkProxy {
    public static let port: UInt16 = 3128

    private static let address = "http://127.0.0.1:\(port)"

    /// For programs that look for a proxy. They confine nothing: the container has no other way out.
    static let environment = [
        "http_proxy=\(address)", "https_proxy=\(address)", "HTTP_PROXY=\(address)",
        "HTTPS_PROXY=\(address)", "no_proxy=localhost,127.0.0.1,::1",
    ]
}
