using System.Net;
using System.Text.RegularExpressions;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Weights;

/// <summary>A connection failure that may be temporary. The message is the reason, worded as part of a sentence.</summary>
internal sealed class BrokenOffException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>
/// Turns a server's response, or the lack of one, into an exception: a <see cref="BrokenOffException"/> if another try may
/// help, otherwise a <see cref="WeightsException"/>.
/// </summary>
internal static partial class DownloadErrors
{
    /// <summary>The exception for a response without the file.</summary>
    public static Exception Refused(Uri url, HttpResponseMessage response)
    {
        var status = (int)response.StatusCode;
        return response.StatusCode switch
        {
            HttpStatusCode.NotFound or HttpStatusCode.Gone =>
                new WeightsException($"The server has no file {url} (HTTP status {status})."),
            HttpStatusCode.ProxyAuthenticationRequired => new WeightsException(
                $"The proxy requires a user name and a password for {url} (HTTP status {status}); HTTPS_PROXY can contain them."),
            HttpStatusCode.RequestTimeout or HttpStatusCode.TooManyRequests or >= HttpStatusCode.InternalServerError =>
                new BrokenOffException($"the server answered with HTTP status {status}"),
            _ => new WeightsException($"The server refuses to send {url} (HTTP status {status})."),
        };
    }

    /// <summary>
    /// The exception for a request without a response. A failure that won't pass by itself within seconds is not retried.
    /// </summary>
    /// <param name="url">The requested address.</param>
    /// <param name="e">The failure.</param>
    /// <param name="atFirst">Whether nothing has arrived yet: if the server's name was never resolved, there is no retry.</param>
    public static Exception Unreachable(Uri url, HttpRequestException e, bool atFirst)
    {
        var why = WithoutPasswords(e.Message).TrimEnd('.');
        // Who logs the exception with its causes must not log the password either.
        if (e.ToString() != WithoutPasswords(e.ToString()))
            e = new HttpRequestException(e.HttpRequestError, why);
        return e.HttpRequestError switch
        {
            HttpRequestError.NameResolutionError when atFirst => new WeightsException(
                $"The server of {url} can't be found ({why}); is there an internet connection, or is HTTPS_PROXY missing?", e),
            HttpRequestError.SecureConnectionError => new WeightsException(
                $"A secure connection to the server of {url} can't be made ({why}).", e),
            HttpRequestError.ProxyTunnelError => new WeightsException($"The proxy does not let {url} through ({why}).", e),
            _ => new BrokenOffException($"the server can't be reached: {why}", e),
        };
    }

    /// <summary>Removes user names and passwords from the addresses in a text: a proxy's address may contain them.</summary>
    internal static string WithoutPasswords(string text) => UserInfo().Replace(text, "//");

    [GeneratedRegex(@"//[^/\s]*@")]
    private static partial Regex UserInfo();
}
