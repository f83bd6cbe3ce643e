using NUnit.Framework;

namespace Fpn.IlGpu.Course;

/// <summary>Runs a check for whoever solves the exercise: a failure shows the message, and no stack trace of the checker.</summary>
internal static class Learner
{
    public static void Try(Action check)
    {
        string? message = null;
        try
        {
            check();
        }
        catch (CheckFailedException e)
        {
            message = e.Message;
        }
        if (message is not null)
            Assert.Fail("\n" + message);
    }
}
