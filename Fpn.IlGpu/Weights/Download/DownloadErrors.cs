using System.Net;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Weights;

/// <summary>The connection failed in a way that may pass; the message is the reason, as a part of a sentence.</summary>
internal sealed class BrokenOffException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>
/// What a server's answer, or the lack of one, means for a download: a <see cref="BrokenOffException"/> if another try
/// may help, else a <see cref="WeightsException"/>.
/// </summary>
internal static class DownloadErrors
{
    /// <summary>An answer without the file.</summary>
    public static Exception Refused(Uri url, HttpResponseMessage response)
    {
        var status = (int)response.StatusCode;
        return response.StatusCode switch
        {
            HttpStatusCode.NotFound or HttpStatusCode.Gone =>
                new WeightsException($"The server has no file {url} (HTTP status {status})."),
            HttpStatusCode.ProxyAuthenticationRequired => new WeightsException(
                $"The proxy wants a name and a password for {url} (HTTP status {status}); HTTPS_PROXY can hold them."),
            HttpStatusCode.RequestTimeout or HttpStatusCode.TooManyRequests or >= HttpStatusCode.InternalServerError =>
                new BrokenOffException($"the server answered with HTTP status {status}"),
            _ => new WeightsException($"The server does not give out {url} (HTTP status {status})."),
        };
    }

    /// <summary>No answer. What will not pass by itself within seconds is an error at once.</summary>
    /// <param name="url">What was asked for.</param>
    /// <param name="e">What happened.</param>
    /// <param name="atFirst">Whether nothing has come yet: a server that was never found is not looked for again.</param>
    public static Exception Unreachable(Uri url, HttpRequestException e, bool atFirst)
    {
        var why = e.Message.TrimEnd('.');
        return e.HttpRequestError switch
        {
            HttpRequestError.NameResolutionError when atFirst => new WeightsException(
                $"The server of {url} can't be found ({why}); is there a connection to the internet, or is HTTPS_PROXY missing?", e),
            HttpRequestError.SecureConnectionError => new WeightsException(
                $"No safe connection to the server of {url} can be made ({why}).", e),
            HttpRequestError.ProxyTunnelError => new WeightsException($"The proxy does not let {url} through ({why}).", e),
            _ => new BrokenOffException($"the server can't be reached: {why}", e),
        };
    }
}
