"""The formats of office programs: zip packages of XML, and RTF."""
