namespace Fpn.IlGpu;

/// <summary>
/// The base of the library's own exceptions: whatever a file, a picture, a device or a configuration can cause, as opposed to mistakes in
/// a program (<see cref="ArgumentException"/>, <see cref="ObjectDisposedException"/>, …) and cancelled calls. The message is a sentence for
/// the user that says what is wrong and, if possible, what would help.
/// </summary>
public abstract class FpnException : Exception
{
    private protected FpnException()
    {
    }

    private protected FpnException(string message)
        : base(message)
    {
    }

    private protected FpnException(string message, Exception? innerException)
        : base(message, innerException)
    {
    }
}
