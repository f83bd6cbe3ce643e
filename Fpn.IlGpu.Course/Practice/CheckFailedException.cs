namespace Fpn.IlGpu.Course;

/// <summary>An exercise is not solved yet; the message says what is wrong with it.</summary>
public sealed class CheckFailedException(string message) : Exception(message);
