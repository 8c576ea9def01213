//! The bytes of a file to control words, groups and text.

/// A piece of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token<'b> {
    /// `{`
    Open,
    /// `}`
    Close,
    /// A control word without its backslash, and its number.
    Word(&'b str, Option<i32>),
    /// A control symbol: the character behind a backslash.
    Symbol(u8),
    /// A byte as `\'e9`.
    Hex(u8),
    /// A byte of text.
    Byte(u8),
}

/// Cuts a file into tokens.
pub(super) struct Tokens<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl<'b> Tokens<'b> {
    pub(super) fn new(bytes: &'b [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Passes over bytes that are no tokens: data behind `\bin`.
    pub(super) fn pass_over(&mut self, length: usize) {
        self.at = self.at.saturating_add(length).min(self.bytes.len());
    }

    fn control(&mut self) -> Option<Token<'b>> {
        let rest = &self.bytes[self.at..];
        let length = rest.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
        if length == 0 {
            let symbol = *rest.first()?;
            self.at += 1;
            return Some(if symbol == b'\'' { self.hex() } else { Token::Symbol(symbol) });
        }
        let word = std::str::from_utf8(&rest[..length]).unwrap_or_default();
        let number = &rest[length..];
        let sign_length = usize::from(number.starts_with(b"-"));
        let digits = number[sign_length..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        let number_length = if digits == 0 { 0 } else { sign_length + digits };
        let value = std::str::from_utf8(&number[..number_length]).ok().and_then(|number| number.parse().ok());
        self.at += length + number_length;
        // A space behind a control word belongs to it.
        self.at += usize::from(self.bytes.get(self.at) == Some(&b' '));
        Some(Token::Word(word, value))
    }

    /// The byte of two hexadecimal digits. Anything else is nothing.
    fn hex(&mut self) -> Token<'b> {
        let digits = self.bytes.get(self.at..self.at + 2).and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                self.at += 2;
                Token::Hex(byte)
            }
            None => Token::Symbol(b'\''),
        }
    }
}

impl<'b> Iterator for Tokens<'b> {
    type Item = Token<'b>;

    fn next(&mut self) -> Option<Token<'b>> {
        loop {
            let byte = *self.bytes.get(self.at)?;
            self.at += 1;
            match byte {
                // Ends of lines are the writer's.
                b'\r' | b'\n' | 0 => {}
                b'{' => return Some(Token::Open),
                b'}' => return Some(Token::Close),
                b'\\' => return self.control(),
                byte => return Some(Token::Byte(byte)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_take_their_number_and_one_space() {
        let tokens: Vec<_> = Tokens::new(b"{\\rtf1\\b0  a\\'e9\\~\\u-4096 ?\\par\r\nb}\\").collect();
        let expected = [
            Token::Open,
            Token::Word("rtf", Some(1)),
            Token::Word("b", Some(0)),
            Token::Byte(b' '),
            Token::Byte(b'a'),
            Token::Hex(0xe9),
            Token::Symbol(b'~'),
            Token::Word("u", Some(-4096)),
            Token::Byte(b'?'),
            Token::Word("par", None),
            Token::Byte(b'b'),
            Token::Close,
        ];
        assert_eq!(tokens, expected);
    }
}
